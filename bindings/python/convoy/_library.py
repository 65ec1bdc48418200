"""The shared library: its declarations, and its errors as exceptions."""
from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, Structure, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64
from ctypes import c_void_p
from typing import Any, Iterable, Mapping

CONVOY_DECLINED = 64

class Slice(Structure):
    """convoy_slice: borrowed bytes."""

    _fields_ = [("data", c_void_p), ("size", c_size_t)]

    def bytes(self) -> bytes:
        return ctypes.string_at(self.data, self.size) if self.size else b""


class Buf(Structure):
    """convoy_buf: text that must be given back."""

    _fields_ = [("data", c_void_p), ("size", c_size_t)]


class Header(Structure):
    """convoy_header."""

    _fields_ = [("name", Slice), ("value", Slice)]


class Request(Structure):
    """convoy_request."""

    _fields_ = [("struct_size", c_size_t), ("method", Slice), ("path", Slice), ("query", Slice),
                ("headers", POINTER(Header)), ("headers_count", c_size_t), ("body", Slice),
                ("remote_ip", Slice), ("url", Slice)]


class Event(Structure):
    """convoy_event."""

    _fields_ = [("struct_size", c_size_t), ("project_id", Slice), ("audience", c_uint32),
                ("reserved", c_uint32), ("recipient", Slice), ("event_type", Slice),
                ("data", Slice), ("custom_headers", POINTER(Header)),
                ("custom_headers_count", c_size_t), ("idempotency_key", Slice)]


class VerifierSettings(Structure):
    """convoy_verifier_settings."""

    _fields_ = [("struct_size", c_size_t), ("preset", Slice), ("definition", Slice),
                ("scheme", Slice), ("secrets", POINTER(Slice)), ("secrets_count", c_size_t),
                ("parameters", POINTER(Header)), ("parameters_count", c_size_t)]


class VerdictView(Structure):
    """convoy_verdict_view."""

    _fields_ = [("struct_size", c_size_t), ("is_accepted", c_int32), ("secret_index", c_int32),
                ("reason", c_char_p), ("integrity", c_char_p), ("scheme", Slice),
                ("signed_at_us", c_int64)]


# Callbacks of the interface.
ReplyFunction = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
ReceiptFunction = ctypes.CFUNCTYPE(None, c_void_p, c_char_p, c_int32, c_void_p)
LogFunction = ctypes.CFUNCTYPE(None, c_void_p, c_uint32, c_char_p, c_char_p)
FreeFunction = ctypes.CFUNCTYPE(None, c_void_p)

_HANDLE, _ERROR = c_void_p, POINTER(c_void_p)

# Every function of convoy.h: its result and its parameters. A test compares the names with the header.
DECLARATIONS: dict[str, tuple[Any, list[Any]]] = {
    "convoy_error_code": (c_int32, [_HANDLE]),
    "convoy_error_message": (c_char_p, [_HANDLE]),
    "convoy_error_is_retriable": (c_int32, [_HANDLE]),
    "convoy_error_free": (None, [_HANDLE]),
    "convoy_buf_free": (None, [POINTER(Buf)]),
    "convoy_version_string": (c_char_p, []),
    "convoy_version_number": (c_uint32, []),
    "convoy_config_new": (c_int32, [POINTER(_HANDLE), _ERROR]),
    "convoy_config_free": (None, [_HANDLE]),
    "convoy_config_set": (c_int32, [_HANDLE, c_char_p, c_size_t, c_char_p, c_size_t, _ERROR]),
    "convoy_config_set_log": (c_int32, [_HANDLE, c_uint32, LogFunction, c_void_p, FreeFunction,
                                        _ERROR]),
    "convoy_config_describe": (c_int32, [c_size_t, POINTER(c_char_p), POINTER(c_char_p),
                                         POINTER(c_char_p)]),
    "convoy_gateway_open": (c_int32, [_HANDLE, POINTER(_HANDLE), _ERROR]),
    "convoy_gateway_bootstrap": (c_int32, [_HANDLE, POINTER(Buf), _ERROR]),
    "convoy_gateway_start": (c_int32, [_HANDLE, _ERROR]),
    "convoy_gateway_step": (c_int32, [_HANDLE, POINTER(c_int64), _ERROR]),
    "convoy_gateway_wake_fd": (c_int32, [_HANDLE, POINTER(c_int32), _ERROR]),
    "convoy_gateway_close": (c_int32, [_HANDLE, c_uint64, _ERROR]),
    "convoy_gateway_free": (None, [_HANDLE]),
    "convoy_http_handle": (c_int32, [_HANDLE, POINTER(Request), POINTER(_HANDLE), _ERROR]),
    "convoy_http_handle_async": (c_int32, [_HANDLE, POINTER(Request), ReplyFunction, c_void_p,
                                           _ERROR]),
    "convoy_http_begin": (c_int32, [_HANDLE, POINTER(Request), POINTER(_HANDLE), POINTER(_HANDLE),
                                    _ERROR]),
    "convoy_http_feed": (c_int32, [_HANDLE, c_void_p, c_size_t, POINTER(_HANDLE), _ERROR]),
    "convoy_http_finish": (c_int32, [_HANDLE, POINTER(_HANDLE), _ERROR]),
    "convoy_http_finish_async": (c_int32, [_HANDLE, ReplyFunction, c_void_p, _ERROR]),
    "convoy_http_free": (None, [_HANDLE]),
    "convoy_ingest": (c_int32, [_HANDLE, POINTER(Event), POINTER(Buf), POINTER(c_int32), _ERROR]),
    "convoy_ingest_async": (c_int32, [_HANDLE, POINTER(Event), ReceiptFunction, c_void_p, _ERROR]),
    "convoy_reply_status": (c_int32, [_HANDLE]),
    "convoy_reply_body": (None, [_HANDLE, POINTER(Slice)]),
    "convoy_reply_headers_count": (c_size_t, [_HANDLE]),
    "convoy_reply_header": (c_int32, [_HANDLE, c_size_t, POINTER(Header)]),
    "convoy_reply_free": (None, [_HANDLE]),
    "convoy_verifier_new": (c_int32, [c_char_p, c_size_t, POINTER(Slice), c_size_t,
                                      POINTER(_HANDLE), _ERROR]),
    "convoy_verifier_verify": (c_int32, [_HANDLE, POINTER(Request), c_int64, POINTER(_HANDLE),
                                         _ERROR]),
    "convoy_verifier_new_with": (c_int32, [POINTER(VerifierSettings), POINTER(_HANDLE), _ERROR]),
    "convoy_verifier_check": (c_int32, [_HANDLE, POINTER(Request), c_int64, POINTER(VerdictView),
                                        _ERROR]),
    "convoy_verifier_answer": (c_int32, [_HANDLE, POINTER(Request), c_int64, POINTER(_HANDLE),
                                         POINTER(Buf), POINTER(Buf), _ERROR]),
    "convoy_verifier_free": (None, [_HANDLE]),
    "convoy_verdict_is_accepted": (c_int32, [_HANDLE]),
    "convoy_verdict_reason": (c_char_p, [_HANDLE]),
    "convoy_verdict_integrity": (c_char_p, [_HANDLE]),
    "convoy_verdict_secret_index": (c_int32, [_HANDLE]),
    "convoy_verdict_event_id": (None, [_HANDLE, POINTER(Slice)]),
    "convoy_verdict_free": (None, [_HANDLE]),
}


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ.get("CONVOY_LIBRARY", "libconvoy.so.0"))
    for name, (result, parameters) in DECLARATIONS.items():
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
    code = getattr(library, name)(*arguments, ctypes.byref(error))
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
    """The version of the library, e.g. "0.1.0"."""
    return library.convoy_version_string().decode()
