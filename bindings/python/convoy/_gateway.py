"""The gateway, and how to mount it in a server of Python's own."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Iterable, Mapping

from convoy._library import (CONVOY_DECLINED, BorrowedRequest, Buf, Header, Slice, call, library)


class Config:
    """Settings by name; ConvoyError names the one that is wrong."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._handle = c_void_p()
        call("convoy_config_new", byref(self._handle))
        for key, value in (settings or {}).items():
            self.set(key, value)

    def set(self, key: str, value: str) -> None:
        name, text = key.encode(), value.encode()
        call("convoy_config_set", self._handle, name, len(name), text, len(text))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library.convoy_config_free(self._handle)


@dataclass(frozen=True)
class Reply:
    """The answer to one request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def _take_reply(handle: c_void_p) -> Reply:
    try:
        body, header = Slice(), Header()
        library.convoy_reply_body(handle, byref(body))
        headers = []
        for index in range(library.convoy_reply_headers_count(handle)):
            library.convoy_reply_header(handle, c_size_t(index), byref(header))
            headers.append((header.name.bytes().decode("latin-1"),
                            header.value.bytes().decode("latin-1")))
        return Reply(library.convoy_reply_status(handle), headers, body.bytes())
    finally:
        library.convoy_reply_free(handle)


class Gateway:
    """Requests in, deliveries out. Use it as a context manager, or close it yourself."""

    def __init__(self, config: Config | None = None) -> None:
        self._handle = c_void_p()
        call("convoy_gateway_open", config._handle if config else None, byref(self._handle))

    def bootstrap(self) -> str:
        """Creates the instance's first API key; it is shown this once."""
        key = Buf()
        call("convoy_gateway_bootstrap", self._handle, byref(key))
        text = ctypes.string_at(key.data, key.size).decode()
        library.convoy_buf_free(byref(key))
        return text

    def start(self) -> None:
        """Delivers on threads of the library's own."""
        call("convoy_gateway_start", self._handle)

    def step(self) -> int:
        """Does what can be done without waiting; returns when to call again, in µs since 1970."""
        next_us = c_int64()
        call("convoy_gateway_step", self._handle, byref(next_us))
        return next_us.value

    def fileno(self) -> int:
        """Readable when a step has something to do: for select, selectors and asyncio."""
        descriptor = c_int32()
        call("convoy_gateway_wake_fd", self._handle, byref(descriptor))
        return descriptor.value

    def inspect(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (),
                query: str = "") -> Reply | int:
        """The answer, if the body need not be read, else how many bytes of it to read at most."""
        borrowed = BorrowedRequest(method, path, query, headers, b"")
        reply, limit = c_void_p(), c_uint64()
        call("convoy_http_inspect", self._handle, byref(borrowed.request), byref(reply),
             byref(limit))
        return _take_reply(reply) if reply else limit.value

    def handle(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (),
               body: bytes = b"", query: str = "", remote_ip: str = "") -> Reply | None:
        """Answers a request once what it did is durable; None if the path is not the gateway's."""
        borrowed = BorrowedRequest(method, path, query, headers, body, remote_ip)
        reply = c_void_p()
        code = call("convoy_http_handle", self._handle, byref(borrowed.request), byref(reply),
                    allowed=(0, CONVOY_DECLINED))
        return None if code == CONVOY_DECLINED else _take_reply(reply)

    def close(self, patience_s: float = 10.0) -> None:
        """Finishes what is in flight, at most for `patience_s`."""
        call("convoy_gateway_close", self._handle, int(patience_s * 1000))

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library.convoy_gateway_free(self._handle)


def mount(gateway: Gateway, handler: BaseHTTPRequestHandler) -> bool:
    """Answers the request that a handler of http.server has read the head of, if it is the gateway's.

    Returns False if the path is not; the handler then goes on as it would without the gateway.
    """
    path, _, query = handler.path.partition("?")
    headers = list(handler.headers.items())
    if not path.startswith(("/ingest/", "/api/v1/", "/healthz", "/readyz")):
        return False
    decision = gateway.inspect(handler.command, path, headers, query)
    if isinstance(decision, Reply):
        reply: Reply | None = decision
        handler.close_connection = True
    else:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        reply = gateway.handle(handler.command, path, headers, body, query,
                               handler.client_address[0])
        if reply is None:
            return False
    handler.send_response(reply.status)
    for name, value in reply.headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body)))
    handler.end_headers()
    handler.wfile.write(reply.body)
    return True
