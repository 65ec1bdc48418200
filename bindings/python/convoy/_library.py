"""Shared library: loading, calls that raise, and memory that crosses the interface."""
from __future__ import annotations

import ctypes
import os
from ctypes import c_void_p
from typing import Any, Iterable, Mapping

from convoy._declarations import FUNCTIONS, Buf, Event, Header, Request, Slice, VerifierSettings


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ.get("CONVOY_LIBRARY", "libconvoy.so.0"))
    for name, (result, parameters) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


library = _load()


class ConvoyError(Exception):
    """A call failed. `code` is a convoy_status, `is_retriable` whether trying again may help."""

    def __init__(self, code: int, message: str, is_retriable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.is_retriable = is_retriable


def call(name: str, *arguments: Any, allowed: Iterable[int] = (0,)) -> int:
    """Calls a function whose last parameter is the error; raises unless the status is allowed."""
    error = c_void_p()
    code = int(getattr(library, name)(*arguments, ctypes.byref(error)))
    if code in allowed:
        return code
    raise take_error(error)


def take_error(error: c_void_p) -> ConvoyError:
    """The exception for a convoy_error, which is freed."""
    code = library.convoy_error_code(error)
    message = library.convoy_error_message(error).decode("utf-8", "replace")
    is_retriable = bool(library.convoy_error_is_retriable(error))
    library.convoy_error_free(error)
    return ConvoyError(code, message, is_retriable)


def bytes_of(slice_: Slice) -> bytes:
    """A copy of a convoy_slice."""
    return ctypes.string_at(slice_.data, slice_.size) if slice_.size else b""


def take_buf(buf: Buf) -> str:
    """The text of a convoy_buf, which is freed."""
    text = ctypes.string_at(buf.data, buf.size).decode("utf-8", "replace") if buf.size else ""
    library.convoy_buf_free(ctypes.byref(buf))
    return text


class _Borrowed:
    """Owner of the memory that a C struct points to."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    # Header values are bytes that servers in Python decode as Latin-1.
    def _headers(self, pairs: list[tuple[str, str]], encoding: str = "latin-1") -> Any:
        array = (Header * max(1, len(pairs)))()
        for slot, (name, value) in zip(array, pairs):
            slot.name, slot.value = self._slice(name, encoding), self._slice(value, encoding)
        self._kept.append(array)
        return array

    def _slice(self, value: str | bytes, encoding: str = "utf-8") -> Slice:
        data = value if isinstance(value, bytes) else value.encode(encoding)
        buffer = ctypes.create_string_buffer(data, len(data)) if data else None
        self._kept.append(buffer)
        return Slice(ctypes.cast(buffer, c_void_p) if buffer is not None else None, len(data))


class BorrowedRequest(_Borrowed):
    """A convoy_request and everything that it points to."""

    def __init__(self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]],
                 body: bytes, remote_ip: str = "", url: str = "") -> None:
        super().__init__()
        pairs = list(headers)
        self.request = Request(ctypes.sizeof(Request), self._slice(method, "latin-1"),
                               self._slice(path, "latin-1"), self._slice(query, "latin-1"),
                               self._headers(pairs), len(pairs), self._slice(body),
                               self._slice(remote_ip), self._slice(url, "latin-1"))


class BorrowedEvent(_Borrowed):
    """A convoy_event and everything that it points to."""

    def __init__(self, project_id: str, audience: int, recipient: str, event_type: str,
                 data: bytes, custom_headers: Iterable[tuple[str, str]],
                 idempotency_key: str) -> None:
        super().__init__()
        pairs = list(custom_headers)
        self.event = Event(ctypes.sizeof(Event), self._slice(project_id), audience, 0,
                           self._slice(recipient), self._slice(event_type), self._slice(data),
                           self._headers(pairs), len(pairs), self._slice(idempotency_key))


class BorrowedSettings(_Borrowed):
    """A convoy_verifier_settings and everything that it points to."""

    def __init__(self, preset: str, definition: str, scheme: str, secrets: Iterable[str],
                 parameters: Mapping[str, str]) -> None:
        super().__init__()
        texts = [self._slice(secret) for secret in secrets]
        slices = (Slice * max(1, len(texts)))(*texts)
        pairs = list(parameters.items())
        self._kept.append(slices)
        self.settings = VerifierSettings(
            ctypes.sizeof(VerifierSettings), self._slice(preset), self._slice(definition),
            self._slice(scheme), slices, len(texts), self._headers(pairs, "utf-8"), len(pairs))


def version() -> str:
    """The version of the library, e.g. "0.2.0"."""
    return str(library.convoy_version_string().decode())
