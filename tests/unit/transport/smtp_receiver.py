"""SMTP server of the tests. Arguments: what it refuses, "none", "rcpt", "data" or "hang"; perhaps a
certificate and its key, then it offers TLS; perhaps "user:password", which it then demands.

Prints its port, then a line of JSON for each mail that it has taken: sender, recipients, text, whether
TLS was spoken, and who has logged in."""
import base64
import json
import socketserver
import ssl
import sys
import threading

REFUSES = sys.argv[1]
CONTEXT = None
if len(sys.argv) > 3:
    CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CONTEXT.load_cert_chain(sys.argv[2], sys.argv[3])
LOGIN = sys.argv[4] if len(sys.argv) > 4 else None


class Session(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()

    def handle(self):
        mail = {"from": None, "to": [], "tls": False, "user": None}
        if REFUSES == "hang":
            self.rfile.read()
            return
        self.say("220 test")
        while raw := self.rfile.readline():  # of the current one: TLS brings another
            line = raw.decode().strip()
            verb = line.upper()
            if verb.startswith("EHLO"):
                self.say("250-test")
                if CONTEXT and not mail["tls"]:
                    self.say("250-STARTTLS")
                elif LOGIN:
                    self.say("250-AUTH PLAIN")
                self.say("250 8BITMIME")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.connection = CONTEXT.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb")
                mail["tls"] = True
            elif verb.startswith("AUTH PLAIN"):
                given = line.split()[2] if len(line.split()) > 2 else None
                if given is None:
                    self.say("334 ")
                    given = self.rfile.readline().decode().strip()
                _, user, password = base64.b64decode(given).decode().split("\0")
                if f"{user}:{password}" == LOGIN:
                    mail["user"] = user
                    self.say("235 welcome")
                else:
                    self.say("535 no")
            elif verb.startswith("MAIL FROM:"):
                mail["from"] = line[10:]
                self.say("250 ok")
            elif verb.startswith("RCPT TO:"):
                if REFUSES == "rcpt":
                    self.say("550 no such user")
                    continue
                mail["to"].append(line[8:])
                self.say("250 ok")
            elif verb == "DATA":
                if REFUSES == "data":
                    self.say("451 later")
                    continue
                self.say("354 go on")
                lines = []
                for text in iter(self.rfile.readline, b".\r\n"):
                    lines.append(text[1:] if text.startswith(b".") else text)
                mail["text"] = b"".join(lines).decode()
                print(json.dumps(mail), flush=True)
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 unknown")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Session)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
