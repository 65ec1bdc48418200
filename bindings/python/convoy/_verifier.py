"""The stateless verifier: no gateway, no storage, no thread."""
from __future__ import annotations

import ctypes
import json
from ctypes import byref, c_void_p
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, NamedTuple, Sequence

from convoy._declarations import CONVOY_DECLINED, Buf
from convoy._library import BorrowedRequest, BorrowedSettings, call, library, take_buf
from convoy._packing import check
from convoy._reply import Reply, take_reply


class Verdict(NamedTuple):
    """The outcome of one verification. A tuple, which is made faster than a dataclass."""

    is_accepted: bool
    reason: str
    integrity: str
    secret_index: int
    event_id: str
    refusal_status: int = 0  # of HTTP, as the provider expects it for a wrong signature; 0: any


@dataclass(frozen=True)
class Answer:
    """The answer to a handshake, and what it asks for beside that."""

    reply: Reply
    learned_secret: str = ""  # handed over by the provider: keep it, if there is none yet
    visit_url: str = ""       # to be fetched once, to confirm


class Verifier:
    """A compiled preset ("github") or scheme (a JSON object). May be shared between threads.

    `parameters` are what a scheme calls {config:NAME}; `scheme_name` selects one of several schemes.
    """

    def __init__(self, scheme: str, secrets: Sequence[str] = (),
                 parameters: Mapping[str, str] | None = None, scheme_name: str = "") -> None:
        self._handle = c_void_p()
        is_definition = scheme.startswith("{")
        borrowed = BorrowedSettings("" if is_definition else scheme,
                                    scheme if is_definition else "", scheme_name, secrets,
                                    parameters or {})
        call("convoy_verifier_new_with", byref(borrowed.settings), byref(self._handle))
        self._address = self._handle.value or 0

    def verify(self, headers: Iterable[tuple[str, str]], body: bytes, now_us: int,
               method: str = "POST", path: str = "", query: str = "", url: str = "") -> Verdict:
        """Judges a request. `url` is the whole URL as the provider was given it."""
        return Verdict._make(
            check(self._address, method, path, query, url, headers, body, now_us))

    def answer(self, headers: Iterable[tuple[str, str]], body: bytes, now_us: int,
               method: str = "GET", path: str = "", query: str = "",
               url: str = "") -> Answer | None:
        """Answers a handshake of the provider; None if the request is none. Ask before verify."""
        borrowed = BorrowedRequest(method, path, query, headers, body, url=url)
        handle, secret, visit_url = c_void_p(), Buf(), Buf()
        code = call("convoy_verifier_answer", self._handle, byref(borrowed.request), now_us,
                    byref(handle), byref(secret), byref(visit_url), allowed=(0, CONVOY_DECLINED))
        if code == CONVOY_DECLINED:
            return None
        return Answer(take_reply(handle), take_buf(secret), take_buf(visit_url))

    @staticmethod
    def explain(scheme: str, secrets: Sequence[str], headers: Iterable[tuple[str, str]],
                body: bytes, now_us: int, method: str = "POST", path: str = "", query: str = "",
                url: str = "", parameters: Mapping[str, str] | None = None,
                scheme_name: str = "") -> dict[str, Any]:
        """Judges a request and says why, and under "causes" what would make a refused one pass."""
        is_definition = scheme.startswith("{")
        settings = BorrowedSettings("" if is_definition else scheme,
                                    scheme if is_definition else "", scheme_name, secrets,
                                    parameters or {})
        borrowed, text = BorrowedRequest(method, path, query, headers, body, url=url), Buf()
        call("convoy_verifier_explain", byref(settings.settings), byref(borrowed.request), now_us,
             byref(text))
        explanation: dict[str, Any] = json.loads(take_buf(text))
        return explanation

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library.convoy_verifier_free(self._handle)


def presets() -> list[dict[str, Any]]:
    """The presets: name, title, schemes, the parameters they need and may have, what they sign."""
    text = Buf()
    call("convoy_presets", byref(text))
    found: list[dict[str, Any]] = json.loads(take_buf(text))
    return found
