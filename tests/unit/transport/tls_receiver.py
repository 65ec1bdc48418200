"""A receiver that speaks TLS, for the test of the curl transport: answers each request with 200 and
the number of requests it has read so far. With a file of authorities it demands a certificate of one
of them from each client, and the answer names it and the connection: "2 one 1". Prints its port; ends
with its standard input.

usage: tls_receiver.py CERTIFICATE KEY [CLIENT_AUTHORITIES [TLSv1_2|TLSv1_3]]"""
import socket
import ssl
import sys
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
if len(sys.argv) > 3:
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(sys.argv[3])
if len(sys.argv) > 4:
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, sys.argv[4])
requests_count = 0
connections_count = 0
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


def describe_peer(secured):
    global connections_count
    if context.verify_mode == ssl.CERT_NONE:
        return b""
    with lock:
        connections_count += 1
        subject = dict(pair for each in secured.getpeercert()["subject"] for pair in each)
        return b" %s %d" % (subject["commonName"].encode(), connections_count)


def serve(connection):
    global requests_count
    raw = connection.dup()
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            peer = describe_peer(secured)
            stream = secured.makefile("rb")
            while read_request(stream):
                with lock:
                    requests_count += 1
                    body = b"%d%s" % (requests_count, peer)
                secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                                % (len(body), body))
    except (OSError, ValueError):
        # One of the two did not like the other's certificate, or the client left. What it has sent is
        # read: a reset because of it could overtake our alert.
        with raw:
            raw.settimeout(1)
            try:
                while raw.recv(65536):
                    pass
            except OSError:
                pass
    finally:
        raw.close()


def accept():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
