"""Events for this process itself: deliveries to endpoints whose URL is "local:NAME"."""
from __future__ import annotations

import asyncio
import ctypes
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from ctypes import byref, c_size_t, c_void_p
from typing import TYPE_CHECKING, AsyncIterator, Callable

from convoy._declarations import (CONVOY_E_NOT_FOUND, CONVOY_E_STATE, CONVOY_LOCAL_DONE,
                                  CONVOY_LOCAL_FAIL, CONVOY_LOCAL_RETRY, DeliveryView, Header)
from convoy._library import ConvoyError, bytes_of, call, library

if TYPE_CHECKING:
    from convoy._gateway import Gateway

_LOG = logging.getLogger("convoy")
_DAY_S = 24 * 3600
_PAUSE_S = 1.0  # of a worker after what it did not expect
_WAIT_MS = 1000  # of a worker, for deliveries; it is let go at once when the gateway closes


class Retry(Exception):
    """Raised by a handler: the event comes again, not before `after_s` (0: as the policy says)."""

    def __init__(self, detail: str = "", after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.after_s = after_s


class Refuse(Exception):
    """Raised by a handler: the event can never be used and does not come again."""


class Delivery:
    """An event in this process's hands until it is finished, by `done`, `retry` or `fail`.

    Each event comes at least once; `idempotency_key` and `event_id` are the same each time. One that
    is dropped without being finished counts as retried. `deadline` is in seconds since 1970.
    """

    __slots__ = ("_handle", "_headers_count", "event_id", "event_type", "body", "content_type",
                 "idempotency_key", "project_id", "endpoint_id", "delivery_id", "attempt_number",
                 "deadline")

    def __init__(self, handle: int) -> None:
        self._handle = handle
        view = DeliveryView(ctypes.sizeof(DeliveryView))
        call("convoy_delivery_get", handle, byref(view))
        self._headers_count = view.headers_count
        self.event_id = bytes_of(view.event_id).decode()
        self.event_type = bytes_of(view.event_type).decode("utf-8", "replace")
        self.body = bytes_of(view.body)
        self.content_type = bytes_of(view.content_type).decode("latin-1")
        self.idempotency_key = bytes_of(view.idempotency_key).decode("utf-8", "replace")
        self.project_id = bytes_of(view.project_id).decode()
        self.endpoint_id = bytes_of(view.endpoint_id).decode()
        self.delivery_id = bytes_of(view.delivery_id).decode()
        self.attempt_number = int(view.attempt_number)
        self.deadline = float(view.deadline_us) / 1e6

    @property
    def is_late(self) -> bool:
        """Whether its deadline has passed: it comes again, whatever is done now."""
        return time.time() >= self.deadline

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The event's headers."""
        header, found = Header(), []
        for index in range(self._headers_count):
            library.convoy_delivery_header(self._handle, index, byref(header))
            found.append((bytes_of(header.name).decode("latin-1"),
                          bytes_of(header.value).decode("latin-1")))
        return found

    def done(self, detail: str = "") -> bool:
        """Delivered. False: too late, its deadline has passed and it comes again."""
        return self._finish(CONVOY_LOCAL_DONE, 0.0, detail)

    def retry(self, detail: str = "", after_s: float = 0.0) -> bool:
        """Failed; it comes again as the retry policy says, not before `after_s`."""
        return self._finish(CONVOY_LOCAL_RETRY, after_s, detail)

    def fail(self, detail: str = "") -> bool:
        """Failed for good, whatever the retry policy says."""
        return self._finish(CONVOY_LOCAL_FAIL, 0.0, detail)

    def _finish(self, outcome: int, after_s: float, detail: str) -> bool:
        text = detail.encode("utf-8", "replace")
        after_ms = int(min(after_s, _DAY_S) * 1000) if after_s > 0 else 0  # nor is NaN
        code = call("convoy_local_finish", self._handle, outcome, after_ms, text, len(text),
                    allowed=(0, CONVOY_E_NOT_FOUND))
        return code == 0

    def __del__(self) -> None:
        library.convoy_delivery_free(self._handle)


Handler = Callable[[Delivery], object]


def take(gateway: c_void_p, name: str, items_max: int, wait_ms: int) -> list[Delivery] | None:
    """Deliveries that are there; None once the gateway closes."""
    handles, count, text = (c_void_p * items_max)(), c_size_t(), name.encode()
    try:
        call("convoy_local_take", gateway, text, len(text), items_max, wait_ms, handles, byref(count))
    except ConvoyError as error:
        if error.code == CONVOY_E_STATE:
            return None
        raise
    return [Delivery(handle) for handle in handles[:count.value] if handle]


def handle(delivery: Delivery, handler: Handler) -> None:
    """Calls a handler and finishes the delivery as it says, whatever it raises."""
    try:
        handler(delivery)
    except Refuse as refusal:
        delivery.fail(str(refusal))
    except Retry as retry:
        delivery.retry(str(retry), retry.after_s)
    except Exception as error:
        delivery.retry(f"{type(error).__name__}: {error}")
    else:
        delivery.done()


class Workers:
    """Threads that take deliveries and call handlers, until the gateway closes."""

    def __init__(self, gateway: c_void_p) -> None:
        self._gateway = gateway
        self._threads: list[threading.Thread] = []

    def add(self, name: str, handler: Handler, batch: int) -> None:
        take(self._gateway, name, 0, 0)  # a name that is not served is refused here
        thread = threading.Thread(target=self._run, args=(name, handler, batch), daemon=True,
                                  name=f"convoy local:{name}")
        self._threads.append(thread)
        thread.start()

    def _run(self, name: str, handler: Handler, batch: int) -> None:
        while True:
            try:
                if not self._handle_some(name, handler, batch):
                    return
            except Exception:
                _LOG.exception("deliveries to local:%s are not handled at present", name)
                time.sleep(_PAUSE_S)

    def _handle_some(self, name: str, handler: Handler, batch: int) -> bool:
        taken = take(self._gateway, name, batch, _WAIT_MS)
        for delivery in taken or ():
            if delivery.is_late:
                continue
            try:
                handle(delivery, handler)
            except Exception:  # what it raised has no text, say
                _LOG.exception("a delivery to local:%s was not finished", name)
                delivery.retry()
        return taken is not None

    def join(self, patience_s: float) -> bool:
        """Whether all have ended; they do when the gateway closes."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(patience_s)
        return not any(thread.is_alive() for thread in self._threads)


async def deliveries(gateway: Gateway, name: str, batch: int) -> AsyncIterator[Delivery]:
    """Deliveries to a name as they come, until the gateway closes.

    They are waited for on a thread of the iterator's own: the gateway's descriptor stays the host's,
    and the event loop's threads too. While that thread waits it keeps the gateway.
    """
    loop = asyncio.get_running_loop()
    with_one_thread = ThreadPoolExecutor(1, f"convoy local:{name}")
    try:
        while (taken := await loop.run_in_executor(with_one_thread, _wait_for, gateway, name,
                                                   batch)) is not None:
            for delivery in taken:
                if not delivery.is_late:
                    yield delivery
    finally:
        with_one_thread.shutdown(wait=False)


def _wait_for(gateway: Gateway, name: str, batch: int) -> list[Delivery] | None:
    return take(gateway._handle, name, batch, _WAIT_MS)
