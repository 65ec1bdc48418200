"""Events of the host's own, without a request."""
from __future__ import annotations

import ctypes
from concurrent.futures import Future
from ctypes import byref, c_int32, c_void_p
from dataclasses import dataclass
from typing import Iterable

from convoy._callbacks import Registry
from convoy._declarations import (CONVOY_TO_ENDPOINT, CONVOY_TO_EVERYONE, CONVOY_TO_OWNER, Buf,
                                  ReceiptFunction)
from convoy._library import BorrowedEvent, call, library, take_error


@dataclass(frozen=True)
class Receipt:
    """Durable event. A duplicate is stored, and delivered to no endpoint."""

    event_id: str
    is_duplicate: bool


def borrow_event(project_id: str, event_type: str, data: bytes, endpoint_id: str | None,
                 owner_id: str | None, custom_headers: Iterable[tuple[str, str]],
                 idempotency_key: str) -> BorrowedEvent:
    if endpoint_id is not None and owner_id is not None:
        raise ValueError("an event goes to endpoint_id, to owner_id or, without both, to everyone")
    audience = (CONVOY_TO_ENDPOINT if endpoint_id is not None else
                CONVOY_TO_OWNER if owner_id is not None else CONVOY_TO_EVERYONE)
    return BorrowedEvent(project_id, audience, endpoint_id or owner_id or "", event_type, data,
                         custom_headers, idempotency_key)


def ingest(gateway: c_void_p, borrowed: BorrowedEvent) -> Receipt:
    event_id, is_duplicate = Buf(), c_int32()
    call("convoy_ingest", gateway, byref(borrowed.event), byref(event_id), byref(is_duplicate))
    text = ctypes.string_at(event_id.data, event_id.size).decode()
    library.convoy_buf_free(byref(event_id))
    return Receipt(text, bool(is_duplicate.value))


_awaited = Registry()  # futures


def _take_receipt(number: int, event_id: bytes | None, is_duplicate: int,
                  error: int | None) -> None:
    future = _awaited.take(number)
    if event_id is None:
        future.set_exception(take_error(c_void_p(error)))
    else:
        future.set_result(Receipt(event_id.decode(), bool(is_duplicate)))


_on_receipt = ReceiptFunction(_take_receipt)


def ingest_async(gateway: c_void_p, borrowed: BorrowedEvent) -> Future[Receipt]:
    future: Future[Receipt] = Future()
    future.set_running_or_notify_cancel()  # it cannot be called back
    number = _awaited.add(future)
    try:
        call("convoy_ingest_async", gateway, byref(borrowed.event), _on_receipt, number)
    except BaseException:
        _awaited.take(number)
        raise
    return future
