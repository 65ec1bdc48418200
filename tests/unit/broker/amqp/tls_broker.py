"""A peer that speaks TLS and nothing else, for the test of AMQP's TLS: prints its port, and then for
each handshake that succeeds the name that it was asked for ("-" for none). Ends with its standard
input.

usage: tls_broker.py CERTIFICATE KEY [tls1.1]"""
import socket
import ssl
import sys
import threading
import warnings

warnings.simplefilter("ignore")  # old versions of TLS are asked for on purpose
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
if "tls1.1" in sys.argv[3:]:
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
context.load_cert_chain(sys.argv[1], sys.argv[2])


names = threading.local()


def on_name(_, name, __):
    names.last = name or "-"


context.sni_callback = on_name


def serve(connection):
    names.last = "-"
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)  # the first byte of AMQP, after the client has taken our certificate
            print(names.last, flush=True)
    except OSError:
        connection.close()  # the client did not like our certificate


def accept():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
threading.Thread(target=accept, daemon=True).start()
sys.stdin.read()
