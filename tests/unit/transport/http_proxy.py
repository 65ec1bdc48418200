"""A proxy for the tests of the curl transport: CONNECT, and requests in the absolute form. Every name
is 127.0.0.1 to it. Prints its port, then the request line and the Proxy-Authorization of each
request; ends with its standard input.

usage: http_proxy.py [STATUS]     with a status it refuses every request with it"""
import re
import socket
import sys
import threading

refusal = sys.argv[1] if len(sys.argv) > 1 else None


def read_head(stream):
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line.decode().strip())
    return lines


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(head, stream, client):
    host, port, path = re.match(r"POST http://([^:/]+):(\d+)(\S*) ", head[0]).groups()
    length = next(int(line.split(":")[1]) for line in head if line.lower().startswith("content-len"))
    lines = [f"POST {path} HTTP/1.1"] + [line for line in head[1:]
                                         if not line.lower().startswith("proxy-")]
    with socket.create_connection(("127.0.0.1", int(port))) as server:
        server.sendall("\r\n".join(lines + ["", ""]).encode() + stream.read(length))
        client.sendall(server.recv(65536))


def serve(client):
    try:
        with client:
            stream = client.makefile("rb")
            while head := read_head(stream):
                authorization = [line for line in head if line.startswith("Proxy-Authorization")]
                print(head[0], *authorization, flush=True)
                if refusal:
                    client.sendall(f"HTTP/1.1 {refusal} No\r\nContent-Length: 0\r\n\r\n".encode())
                elif head[0].startswith("CONNECT"):
                    port = int(head[0].split()[1].rsplit(":")[-1])
                    server = socket.create_connection(("127.0.0.1", port))
                    client.sendall(b"HTTP/1.1 200 Made\r\nX-Of-The-Proxy: 1\r\n\r\n")
                    threading.Thread(target=copy, args=(server, client), daemon=True).start()
                    copy(client, server)
                    return
                else:
                    forward(head, stream, client)
    except OSError:
        pass


def accept():
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
