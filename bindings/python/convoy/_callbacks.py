"""Python behind the C callbacks.

C gets a number instead of a Python object, and one function of each kind that lives as long as the
module: nothing that C may still call is ever collected. An exception stays on this side: ctypes hands
it to sys.unraisablehook.
"""
from __future__ import annotations

import itertools
import logging
import threading
from typing import Any

from convoy._declarations import LogFunction, UserFreeFunction

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)  # of CONVOY_LOG_…


class Registry:
    """Objects that C refers to by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._objects: dict[int, Any] = {}

    def add(self, item: Any) -> int:
        with self._lock:
            number = next(self._numbers)
            self._objects[number] = item
        return number

    def get(self, number: int) -> Any:
        with self._lock:
            return self._objects[number]

    def take(self, number: int) -> Any:
        with self._lock:
            return self._objects.pop(number)

    def __len__(self) -> int:
        with self._lock:
            return len(self._objects)


loggers = Registry()


def python_level(level: int) -> int:
    """The level of logging for a CONVOY_LOG_ level."""
    return _LEVELS[min(level, 3)]


def _log_line(number: int, level: int, event: bytes, message: bytes) -> None:
    loggers.get(number).log(python_level(level), "%s", message.decode("utf-8", "replace"),
                            extra={"convoy_event": event.decode("utf-8", "replace")})


def _free_logger(number: int) -> None:
    loggers.take(number)


log_line = LogFunction(_log_line)
free_logger = UserFreeFunction(_free_logger)


def least_level(logger: logging.Logger) -> int:
    """The lowest CONVOY_LOG_ level that `logger` wants."""
    effective = logger.getEffectiveLevel()
    return sum(effective > level for level in _LEVELS[:-1])
