"""A receiver that speaks HTTP/2 over TLS, for the test of the curl transport. It counts the requests
whose head has come and those that have come whole, and behaves as the path of each says:

  /ok                  200; the body says how many requests have come whole, on which connection
  /large/N             200 with a body of N bytes
  /wait                answers when another request to /go has come, on any connection
  /refuse              resets the stream with REFUSED_STREAM
  /refuse-after-body   the same, when the body has come
  /goaway              says GOAWAY as if the request had not been seen, and closes
  /goaway-after        says GOAWAY that takes the request in, answers it, and closes
  /misdirected         421
  /http11              resets the stream with HTTP_1_1_REQUIRED
  /break               closes the connection when the request has come
  /counts              200; the body is "HEADS WHOLE CONNECTIONS" of all others

Prints its port; ends with its standard input. Needs Debian's python3-h2.

usage: http2_receiver.py CERTIFICATE KEY"""
import socket
import ssl
import sys
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
context.set_alpn_protocols(["h2", "http/1.1"])
lock = threading.Lock()
counts = {"heads": 0, "whole": 0, "connections": 0}
went = threading.Event()


class Connection:
    """One connection, on a thread of its own."""

    def __init__(self, stream):
        with lock:
            counts["connections"] += 1
            self.number = counts["connections"]
        self.stream = stream
        self.paths = {}
        self.waiting = []
        self.last_answered = 0
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8"))

    def flush(self):
        self.stream.sendall(self.h2.data_to_send())

    def answer(self, stream_id, body, status="200"):
        self.h2.send_headers(stream_id, [(":status", status), ("content-length", str(len(body)))])
        for start in range(0, len(body), self.h2.max_outbound_frame_size):
            self.h2.send_data(stream_id, body[start:start + self.h2.max_outbound_frame_size].encode())
        self.h2.end_stream(stream_id)
        self.last_answered = max(self.last_answered, stream_id)

    def go_away(self, last_stream_id):
        self.h2.close_connection(last_stream_id=last_stream_id)
        self.flush()
        self.stream.shutdown(socket.SHUT_RDWR)

    def on_head(self, stream_id, path):
        self.paths[stream_id] = path
        if path != "/counts":
            with lock:
                counts["heads"] += 1
        if path == "/refuse":
            self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)

    def on_whole(self, stream_id):
        path = self.paths.pop(stream_id)
        if path == "/counts":
            with lock:
                body = "{heads} {whole} {connections}".format(**counts)
            return self.answer(stream_id, body)
        with lock:
            counts["whole"] += 1
            body = f"{counts['whole']} {self.number}"
        if path == "/refuse-after-body":
            self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
        elif path == "/http11":
            self.h2.reset_stream(stream_id, h2.errors.ErrorCodes.HTTP_1_1_REQUIRED)
        elif path == "/goaway":
            self.go_away(self.last_answered)
        elif path == "/goaway-after":
            self.answer(stream_id, body)
            self.go_away(stream_id)
        elif path == "/misdirected":
            self.answer(stream_id, body, "421")
        elif path == "/break":
            self.stream.shutdown(socket.SHUT_RDWR)
        elif path == "/wait":
            self.waiting.append((stream_id, body))
        elif path.startswith("/large/"):
            self.answer(stream_id, "l" * int(path.split("/")[2]))
        elif path != "/refuse":
            if path == "/go":
                went.set()
            self.answer(stream_id, body)

    def on_event(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.on_head(event.stream_id, dict(event.headers)[":path"])
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.on_whole(event.stream_id)

    def run(self):
        self.h2.initiate_connection()
        self.flush()
        self.stream.settimeout(0.02)
        while True:
            try:
                data = self.stream.recv(65536)
                if not data:
                    return
                for event in self.h2.receive_data(data):
                    self.on_event(event)
            except TimeoutError:
                pass
            while went.is_set() and self.waiting:
                self.answer(*self.waiting.pop())
            self.flush()


def serve_http1(stream):
    """One request: the count says that it came."""
    with lock:
        counts["connections"] += 1
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(65536)
    with lock:
        counts["heads"] += 1
        counts["whole"] += 1
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nHTTP/1.1")


def serve(accepted):
    try:
        with context.wrap_socket(accepted, server_side=True) as stream:
            if stream.selected_alpn_protocol() == "h2":
                Connection(stream).run()
            else:
                serve_http1(stream)
    except (OSError, h2.exceptions.ProtocolError):
        accepted.close()


def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
