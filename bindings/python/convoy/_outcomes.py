"""Outcomes: what became of deliveries, and news of endpoints and sources."""
from __future__ import annotations

import ctypes
from ctypes import byref, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum

from convoy._declarations import (CONVOY_OUTCOME_BREAKER_CLOSED, CONVOY_OUTCOME_BREAKER_OPENED,
                                  CONVOY_OUTCOME_DELIVERY, CONVOY_OUTCOME_ENDPOINT_DISABLED,
                                  CONVOY_OUTCOME_ENDPOINT_FAILING,
                                  CONVOY_OUTCOME_ENDPOINT_RECOVERED,
                                  CONVOY_OUTCOME_SOURCE_REFUSES, OutcomeView)
from convoy._library import bytes_of, call, library


class OutcomeKind(IntEnum):
    """Kinds of outcomes; later versions may have more, which come as plain numbers."""

    DELIVERY = CONVOY_OUTCOME_DELIVERY
    ENDPOINT_FAILING = CONVOY_OUTCOME_ENDPOINT_FAILING
    ENDPOINT_RECOVERED = CONVOY_OUTCOME_ENDPOINT_RECOVERED
    ENDPOINT_DISABLED = CONVOY_OUTCOME_ENDPOINT_DISABLED
    BREAKER_OPENED = CONVOY_OUTCOME_BREAKER_OPENED
    BREAKER_CLOSED = CONVOY_OUTCOME_BREAKER_CLOSED
    SOURCE_REFUSES = CONVOY_OUTCOME_SOURCE_REFUSES


_KINDS = {int(kind): kind for kind in OutcomeKind}


@dataclass(frozen=True)
class Outcome:
    """One outcome. Ids that do not apply are empty; times are in seconds since 1970."""

    kind: int
    at: float
    outcome: str
    detail: str
    is_success: bool
    will_retry: bool
    retry_at: float | None
    attempt_number: int
    count: int
    project_id: str
    endpoint_id: str
    source_id: str
    delivery_id: str
    event_id: str
    event_type: str


def next_outcome(gateway: c_void_p) -> Outcome | None:
    handle = c_void_p()
    call("convoy_gateway_next_outcome", gateway, byref(handle), None)
    if not handle:
        return None
    view = OutcomeView(ctypes.sizeof(OutcomeView))
    call("convoy_outcome_get", handle, byref(view))
    texts = {name: bytes_of(getattr(view, name)).decode("utf-8", "replace") for name in (
        "outcome", "detail", "project_id", "endpoint_id", "source_id", "delivery_id", "event_id",
        "event_type")}
    outcome = Outcome(kind=_KINDS.get(view.kind, view.kind), at=view.at_us / 1e6,
                      is_success=bool(view.is_success), will_retry=bool(view.will_retry),
                      retry_at=view.retry_at_us / 1e6 if view.will_retry else None,
                      attempt_number=view.attempt_number, count=view.count, **texts)
    library.convoy_outcome_free(handle)
    return outcome


def dropped_count(gateway: c_void_p) -> int:
    dropped = c_uint64()
    call("convoy_gateway_next_outcome", gateway, None, byref(dropped))
    return dropped.value
