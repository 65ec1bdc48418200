"""The stateless verifier: no gateway, no storage, no thread."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import Iterable, Sequence

from convoy._library import BorrowedRequest, Slice, call, library


@dataclass(frozen=True)
class Verdict:
    """The outcome of one verification."""

    is_accepted: bool
    reason: str
    integrity: str
    secret_index: int
    event_id: str


class Verifier:
    """A compiled preset ("github") or scheme (a JSON object). May be shared between threads."""

    def __init__(self, scheme: str, secrets: Sequence[str]) -> None:
        self._handle = c_void_p()
        text = scheme.encode()
        kept = [secret.encode() for secret in secrets]
        slices = (Slice * max(1, len(kept)))()
        for slot, secret in zip(slices, kept):
            slot.data = ctypes.cast(ctypes.c_char_p(secret), c_void_p)
            slot.size = len(secret)
        call("convoy_verifier_new", text, len(text), slices, len(kept), byref(self._handle))

    def verify(self, headers: Iterable[tuple[str, str]], body: bytes, now_us: int,
               method: str = "POST", path: str = "", query: str = "") -> Verdict:
        borrowed = BorrowedRequest(method, path, query, headers, body)
        handle, event_id = c_void_p(), Slice()
        call("convoy_verifier_verify", self._handle, byref(borrowed.request), now_us,
             byref(handle))
        try:
            library.convoy_verdict_event_id(handle, byref(event_id))
            return Verdict(bool(library.convoy_verdict_is_accepted(handle)),
                           library.convoy_verdict_reason(handle).decode(),
                           library.convoy_verdict_integrity(handle).decode(),
                           library.convoy_verdict_secret_index(handle),
                           event_id.bytes().decode("utf-8", "replace"))
        finally:
            library.convoy_verdict_free(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library.convoy_verifier_free(self._handle)
