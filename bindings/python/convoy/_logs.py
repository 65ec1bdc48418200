"""Log lines that wait in the library for a thread of Python's."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass

from convoy._callbacks import python_level
from convoy._declarations import Buf
from convoy._library import call, library


@dataclass(frozen=True)
class LogLine:
    """A line: `level` is one of logging, `event` says what happened in words that do not change,
    `message` with the details, `dropped_count` how many lines were dropped by then."""

    level: int
    event: str
    message: str
    dropped_count: int


def _take(text: Buf) -> str:
    try:
        return ctypes.string_at(text.data, text.size).decode("utf-8", "replace")
    finally:
        library.convoy_buf_free(byref(text))


def next_line(gateway: c_void_p) -> LogLine | None:
    """The oldest line that waits."""
    level, event, message, dropped = c_uint32(), Buf(), Buf(), c_uint64()
    call("convoy_gateway_next_log", gateway, byref(level), byref(event), byref(message),
         byref(dropped))
    if not message.data:
        return None
    return LogLine(python_level(level.value), _take(event), _take(message), dropped.value)
