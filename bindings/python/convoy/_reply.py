"""Answers of the library to HTTP requests."""
from __future__ import annotations

from ctypes import byref, c_size_t, c_void_p
from dataclasses import dataclass

from convoy._declarations import Header, Slice
from convoy._library import bytes_of, library


@dataclass(frozen=True)
class Reply:
    """The answer to one request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def take_reply(handle: c_void_p) -> Reply:
    """The contents of a convoy_reply, which is freed."""
    try:
        body, header = Slice(), Header()
        library.convoy_reply_body(handle, byref(body))
        headers = []
        for index in range(library.convoy_reply_headers_count(handle)):
            library.convoy_reply_header(handle, c_size_t(index), byref(header))
            headers.append((bytes_of(header.name).decode("latin-1"),
                            bytes_of(header.value).decode("latin-1")))
        return Reply(library.convoy_reply_status(handle), headers, bytes_of(body))
    finally:
        library.convoy_reply_free(handle)
