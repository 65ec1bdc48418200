"""Requests laid out by struct for the verifier, which sees every webhook: ctypes takes ten times as long."""
from __future__ import annotations

import ctypes
import struct
import threading
from typing import Iterable

from convoy._declarations import Request, VerdictView
from convoy._library import library, take_error

_WORD = 8
_REQUEST_WORDS = ctypes.sizeof(Request) // _WORD
_HEADER_WORDS = 4
_VIEW_BYTES = ctypes.sizeof(VerdictView)
_EVENT_ID_BYTES = 8 * 1024  # no id is longer
_USUAL_BYTES = 64 * 1024
_LONGEST_KEPT_BYTES = 1024 * 1024
# is_accepted, secret_index, reason, integrity and, after others, refusal_status.
_VIEW = struct.Struct("<iiQQ24xi")
_layouts: dict[int, struct.Struct] = {}  # by the count of headers
_static_texts: dict[int, str] = {}

# Of a request as it is packed below.
_ORDER = ("struct_size", "method", "path", "query", "headers", "headers_count", "body", "remote_ip",
          "url")
if tuple(name for name, _ in Request._fields_) != _ORDER:
    raise ImportError("convoy_request has other fields: change _packing.py")


def _function(name: str, parameters_count: int) -> ctypes._NamedFuncPointer:
    """A function that takes addresses as numbers."""
    function: ctypes._NamedFuncPointer = library[name]  # not the one that others use
    function.restype = ctypes.c_int32
    function.argtypes = [ctypes.c_void_p] * parameters_count
    return function


_check = _function("convoy_verifier_check", 5)
_check.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
_event_id = _function("convoy_verifier_event_id", 6)


_ERROR_AT = 0
_USED_AT = _WORD
_VIEW_AT = 2 * _WORD
_EVENT_ID_AT = _VIEW_AT + _VIEW_BYTES
_REQUEST_AT = _EVENT_ID_AT + _EVENT_ID_BYTES
_HEADERS_AT = _REQUEST_AT + _REQUEST_WORDS * _WORD


class _Memory:
    """Memory that C reads and writes: outputs first, then the request."""

    __slots__ = ("bytes", "address", "words", "_kept")

    def __init__(self, size: int) -> None:
        self.bytes = bytearray(size)
        self._kept = (ctypes.c_char * size).from_buffer(self.bytes)
        self.address = ctypes.addressof(self._kept)
        self.words = memoryview(self.bytes).cast("Q")
        self.words[_VIEW_AT // _WORD] = _VIEW_BYTES


class _OfThread(threading.local):
    """The memory of this thread."""

    def __init__(self) -> None:
        self.memory = _Memory(_USUAL_BYTES)


_of_thread = _OfThread()


def _write(method: str, path: str, query: str, url: str, headers: Iterable[tuple[str, str]],
           body: bytes) -> _Memory:
    """Lays a request out at _REQUEST_AT. Its texts are Latin-1, as servers decode headers."""
    parts = [method, path, query, url]
    for pair in headers:
        parts += pair
    text = "".join(parts).encode("latin-1")
    count = len(parts) // 2 - 2
    layout = _layouts.get(count)
    if layout is None:
        layout = struct.Struct(f"<{_REQUEST_WORDS + _HEADER_WORDS * count}Q")
        if len(_layouts) < 1000:
            _layouts[count] = layout
    start = _REQUEST_AT + layout.size
    memory, end = _of_thread.memory, start + len(text) + len(body)
    if end > len(memory.bytes) or len(memory.bytes) > _LONGEST_KEPT_BYTES:
        memory = _of_thread.memory = _Memory(max(end + _WORD & -_WORD, _USUAL_BYTES))
    memory.bytes[start:end] = text + body
    at = memory.address + start
    slices: list[int] = []
    for part in parts:
        size = len(part)
        slices.append(at)
        slices.append(size)
        at += size
    layout.pack_into(memory.bytes, _REQUEST_AT, _REQUEST_WORDS * _WORD, *slices[:6],
                     memory.address + _HEADERS_AT, count, at, len(body), 0, 0, *slices[6:])
    return memory


def _raise(memory: _Memory) -> None:
    raise take_error(ctypes.c_void_p(memory.words[_ERROR_AT // _WORD]))


def _text(address: int) -> str:
    text = _static_texts.get(address)
    if text is None:
        text = _static_texts[address] = ctypes.string_at(address).decode()
    return text


def check(verifier: int, method: str, path: str, query: str, url: str,
          headers: Iterable[tuple[str, str]], body: bytes, now_us: int,
          ) -> tuple[bool, str, str, int, str, int]:
    """The parts of the Verdict on a request."""
    memory = _write(method, path, query, url, headers, body)
    address = memory.address
    if _check(verifier, address + _REQUEST_AT, now_us, address + _VIEW_AT, address):
        _raise(memory)
    is_accepted, secret_index, reason, integrity, refusal_status = _VIEW.unpack_from(
        memory.bytes, _VIEW_AT + _WORD)
    event_id = ""
    if is_accepted and not _event_id(verifier, address + _REQUEST_AT, address + _EVENT_ID_AT,
                                     _EVENT_ID_BYTES, address + _USED_AT, None):
        used = memory.words[_USED_AT // _WORD]
        if used:
            event_id = memory.bytes[_EVENT_ID_AT:_EVENT_ID_AT + used].decode("utf-8", "replace")
    return (bool(is_accepted), _text(reason), _text(integrity), secret_index, event_id,
            refusal_status)
