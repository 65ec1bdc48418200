"""A receiver that speaks TLS, for the test of the curl transport: answers each request with 200 and
the number of requests it has read so far. Prints its port; ends with its standard input.

usage: tls_receiver.py CERTIFICATE KEY"""
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
requests_count = 0
lock = threading.Lock()


def read_request(stream):
    length = 0
    while True:
        line = stream.readline()
        if not line:
            return False
        if line == b"\r\n":
            return len(stream.read(length)) == length
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])


def serve(connection):
    global requests_count
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            stream = secured.makefile("rb")
            while read_request(stream):
                with lock:
                    requests_count += 1
                    body = b"%d" % requests_count
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                % (len(body), body))
    except (OSError, ValueError):
        connection.close()  # the client did not like our certificate, or left


def accept():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
