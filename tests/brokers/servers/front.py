"""HTTP front of a test server: checks who asks, then answers a request itself or passes it on."""
import http.client
import http.server
import threading


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        front = self.server.front
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = front.answer(self.headers, body) or front.ask_behind(
                self.path, body, front.passed_on(self.headers))
        except (OSError, http.client.HTTPException):  # the server behind is away
            self.close_connection = True
            return
        status, content_type, body = answer
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that went away."""


class Front:
    """`answer(headers, body)` is (status, content type, body), or None for what is to be passed on, with
    the headers `passed_on(headers)`."""

    def __init__(self, port, port_behind, answer, passed_on=dict):
        self.answer = answer
        self.passed_on = passed_on
        self._port_behind = port_behind
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.front = self
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def ask_behind(self, path, body, headers):
        behind = http.client.HTTPConnection("127.0.0.1", self._port_behind, timeout=150)
        try:
            behind.request("POST", path, body, headers)
            answer = behind.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        finally:
            behind.close()
