"""The gateway as a WSGI application, for Flask, Django and every other framework that speaks it."""
from __future__ import annotations

from http import HTTPStatus
from typing import Any, Callable, Iterable, Iterator
from urllib.parse import quote, unquote_to_bytes

from convoy._gateway import Gateway, Incoming
from convoy._reply import Reply

_PIECE_BYTES = 64 * 1024
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
#: what a client may send but a server answers by itself
_HOP_HEADERS = {"HTTP_CONNECTION", "HTTP_TRANSFER_ENCODING", "HTTP_EXPECT"}

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


def wsgi(gateway: Gateway, application: Application | None = None) -> Application:
    """A WSGI application that answers requests to the gateway's paths and leaves the others to
    `application`; without one they are answered with 404.

    It may be mounted under a path: what a framework has put into SCRIPT_NAME is not looked at. Bodies
    are read in pieces, and not at all if the head of the request is refused.
    """
    def mounted(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        begun = gateway.begin(environ["REQUEST_METHOD"], _path(environ), list(_headers(environ)),
                              environ.get("QUERY_STRING", ""), _peer(environ))
        if isinstance(begun, Incoming):
            begun = _read(environ, begun)
        if begun is not None:
            return _answer(begun, environ, start_response)
        if application is not None:
            return application(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return []
    return mounted


def _path(environ: Environ) -> str:
    """As it was on the wire, below the mount; servers hand on a decoded one, and most the other, too.

    PATH_INFO is what counts: a middleware that rewrites it leaves the raw one as it came.
    """
    decoded = environ.get("PATH_INFO", "")
    raw = str(environ.get("REQUEST_URI") or environ.get("RAW_URI") or "").partition("?")[0]
    mount = quote(environ.get("SCRIPT_NAME", "").encode("latin-1"), safe=_PATH_SAFE)
    below = raw.removeprefix(mount)
    if raw.startswith(mount + "/") and unquote_to_bytes(below) == decoded.encode("latin-1"):
        return below
    return quote(decoded.encode("latin-1"), safe=_PATH_SAFE.replace("%", "")) or "/"


def _headers(environ: Environ) -> Iterator[tuple[str, str]]:
    # Some servers make up the type of a body that is not there.
    if environ.get("CONTENT_LENGTH") or environ.get("wsgi.input_terminated"):
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(key):
                yield key.replace("_", "-").title(), environ[key]
    for key, value in environ.items():
        if key.startswith("HTTP_") and key not in _HOP_HEADERS:
            yield key[5:].replace("_", "-").title(), value


def _peer(environ: Environ) -> str:
    address = str(environ.get("REMOTE_ADDR", ""))
    return address if all(c in "0123456789abcdefABCDEF.:" for c in address) else ""


def _read(environ: Environ, incoming: Incoming) -> Reply | None:
    """Of a chunked body the server knows the end; of any other its length is known."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or ""
    is_endless = not length and bool(environ.get("wsgi.input_terminated"))
    left = int(length) if length else 0
    while is_endless or left > 0:
        piece = stream.read(_PIECE_BYTES if is_endless else min(left, _PIECE_BYTES))
        if not piece:
            if is_endless:
                break
            raise ConnectionError("the sender went away before the end of the body")
        left -= len(piece)
        refusal = incoming.feed(piece)
        if refusal is not None:
            return refusal
    return incoming.finish()


def _answer(reply: Reply, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = [(name, value) for name, value in reply.headers]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain"))  # servers of WSGI want one, also of no body
    headers.append(("Content-Length", str(len(reply.body))))
    start_response(f"{reply.status} {phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]
