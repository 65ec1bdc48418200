"""The gateway, and how to mount it in a server of Python's own."""
from __future__ import annotations

import ctypes
import json
import logging
import weakref
from concurrent.futures import Future
from ctypes import byref, c_int32, c_int64, c_size_t, c_void_p
from http.server import BaseHTTPRequestHandler
from typing import Any, AsyncIterator, Callable, Iterable, Iterator, Mapping

from convoy import _events, _local, _logs, _outcomes
from convoy._callbacks import Registry, free_logger, least_level, log_line, loggers
from convoy._declarations import CONVOY_DECLINED, Buf, ReplyFunction, Slice
from convoy._library import BorrowedRequest, call, library
from convoy._reply import Reply, take_reply

_ALLOWED = (0, CONVOY_DECLINED)
_PIECE_BYTES = 64 * 1024
_HANDLER_PATIENCE_S = 5.0


class Config:
    """Settings by name; ConvoyError names the one that is wrong.

    What a gateway logs goes to `logger`, from the level on that it has now; without one, nowhere.
    """

    def __init__(self, settings: Mapping[str, str] | None = None,
                 logger: logging.Logger | None = None) -> None:
        self._handle = c_void_p()
        call("convoy_config_new", byref(self._handle))
        for key, value in (settings or {}).items():
            self.set(key, value)
        if logger is not None:
            call("convoy_config_set_log", self._handle, least_level(logger), log_line,
                 loggers.add(logger), free_logger)

    def set(self, key: str, value: str) -> None:
        name, text = key.encode(), value.encode()
        call("convoy_config_set", self._handle, name, len(name), text, len(text))

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            library.convoy_config_free(self._handle)


_awaited = Registry()  # futures, and what their requests borrow


def _give_reply(number: int, handle: int) -> None:
    future, _ = _awaited.take(number)
    try:
        future.set_result(take_reply(c_void_p(handle)))
    except Exception as error:
        future.set_exception(error)


_on_reply = ReplyFunction(_give_reply)


def _send_async(name: str, *arguments: Any, kept: object = None) -> Future[Reply] | None:
    """Calls a function that answers by _on_reply; None if the path is not the gateway's."""
    future: Future[Reply] = Future()
    future.set_running_or_notify_cancel()  # it cannot be called back
    number = _awaited.add((future, kept))
    try:
        code = call(name, *arguments, _on_reply, number, allowed=_ALLOWED)
    except BaseException:
        _awaited.take(number)
        raise
    if code == CONVOY_DECLINED:
        _awaited.take(number)
        return None
    return future


class Incoming:
    """A request whose body is still coming. Drop it if the sender goes away."""

    def __init__(self, handle: c_void_p) -> None:
        self._handle = handle
        self._free = weakref.finalize(self, library.convoy_http_free, handle)

    def feed(self, piece: bytes) -> Reply | None:
        """Takes the next bytes of the body. A reply, with status 413, means: answer, read no more."""
        reply = c_void_p()
        call("convoy_http_feed", self._handle, piece, len(piece), byref(reply))
        return take_reply(reply) if reply else None

    def finish(self) -> Reply | None:
        """Answers the request once what it did is durable."""
        reply = c_void_p()
        code = call("convoy_http_finish", self._handle, byref(reply), allowed=_ALLOWED)
        return None if code == CONVOY_DECLINED else take_reply(reply)

    def finish_async(self) -> Future[Reply] | None:
        """The same without waiting."""
        return _send_async("convoy_http_finish_async", self._handle)


class ApiError(Exception):
    """The REST API refused a call; `status` is that of HTTP."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def _data_of(reply: Reply) -> Any:
    answer = json.loads(reply.body) if reply.body else {}
    if reply.status >= 300:
        raise ApiError(reply.status, answer.get("message", ""))
    return answer.get("data")


def _free(handle: c_void_p, workers: _local.Workers) -> None:
    """Threads may be waiting inside the library: they are let go first. If a handler does not
    return, the gateway is left to the end of the process."""
    error = c_void_p()
    library.convoy_gateway_close(handle, 0, byref(error))
    library.convoy_error_free(error)
    if workers.join(_HANDLER_PATIENCE_S):
        library.convoy_gateway_free(handle)


class Gateway:
    """Requests in, deliveries out. Use it as a context manager, or close it yourself.

    Functions that wait for a Future of it (add_done_callback) and its logger run inside the library:
    calls with the gateway raise ConvoyError there. asyncio.wrap_future moves to an event loop.
    """

    def __init__(self, config: Config | None = None) -> None:
        self._handle = c_void_p()
        call("convoy_gateway_open", config._handle if config else None, byref(self._handle))
        self._workers = _local.Workers(self._handle)
        # Also at exit, while its threads can still find an interpreter to log to.
        self._free = weakref.finalize(self, _free, self._handle, self._workers)

    def bootstrap(self) -> str:
        """Creates the instance's first API key; it is shown this once."""
        key = Buf()
        call("convoy_gateway_bootstrap", self._handle, byref(key))
        text = ctypes.string_at(key.data, key.size).decode()
        library.convoy_buf_free(byref(key))
        return text

    def start(self) -> None:
        """Delivers on threads of the library's own."""
        call("convoy_gateway_start", self._handle)

    def step(self) -> int:
        """Does what there is to do, and waits for the disk; returns when to call again, in µs since 1970."""
        next_us = c_int64()
        call("convoy_gateway_step", self._handle, byref(next_us))
        return next_us.value

    def fileno(self) -> int:
        """Readable while there are deliveries to take and, until `start`, when a step has something
        to do: for select, selectors and asyncio."""
        descriptor = c_int32()
        call("convoy_gateway_wake_fd", self._handle, byref(descriptor))
        return descriptor.value

    def begin(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (),
              query: str = "", remote_ip: str = "") -> Incoming | Reply | None:
        """Judges a request by its head. A reply: answer, do not read the body. None: not a path of
        the gateway."""
        borrowed = BorrowedRequest(method, path, query, headers, b"", remote_ip)
        incoming, reply = c_void_p(), c_void_p()
        code = call("convoy_http_begin", self._handle, byref(borrowed.request), byref(incoming),
                    byref(reply), allowed=_ALLOWED)
        if code == CONVOY_DECLINED:
            return None
        return take_reply(reply) if reply else Incoming(incoming)

    def handle(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (),
               body: bytes = b"", query: str = "", remote_ip: str = "") -> Reply | None:
        """Answers a request once what it did is durable; None if the path is not the gateway's."""
        borrowed = BorrowedRequest(method, path, query, headers, body, remote_ip)
        reply = c_void_p()
        code = call("convoy_http_handle", self._handle, byref(borrowed.request), byref(reply),
                    allowed=_ALLOWED)
        return None if code == CONVOY_DECLINED else take_reply(reply)

    def handle_async(self, method: str, path: str, headers: Iterable[tuple[str, str]] = (),
                     body: bytes = b"", query: str = "",
                     remote_ip: str = "") -> Future[Reply] | None:
        """The same without waiting."""
        borrowed = BorrowedRequest(method, path, query, headers, body, remote_ip)
        return _send_async("convoy_http_handle_async", self._handle, byref(borrowed.request),
                           kept=borrowed)

    def ingest(self, project_id: str, event_type: str, data: bytes, *,
               endpoint_id: str | None = None, owner_id: str | None = None,
               custom_headers: Iterable[tuple[str, str]] = (),
               idempotency_key: str = "") -> _events.Receipt:
        """Takes an event without a request; returns once it is durable.

        `data` is one JSON value, sent byte for byte: to an endpoint, to all endpoints of an owner, or,
        if neither is given, to everyone with a subscription that wants it.
        """
        return _events.ingest(self._handle, _events.borrow_event(
            project_id, event_type, data, endpoint_id, owner_id, custom_headers, idempotency_key))

    def ingest_async(self, project_id: str, event_type: str, data: bytes, *,
                     endpoint_id: str | None = None, owner_id: str | None = None,
                     custom_headers: Iterable[tuple[str, str]] = (),
                     idempotency_key: str = "") -> Future[_events.Receipt]:
        """The same without waiting."""
        return _events.ingest_async(self._handle, _events.borrow_event(
            project_id, event_type, data, endpoint_id, owner_id, custom_headers, idempotency_key))

    def call(self, method: str, target: str, body: object = None) -> Any:
        """A request of the REST API as the instance's administrator; returns the answer's data.

        `target` is a path with a query, `body` becomes JSON. ApiError: it was refused.
        """
        text = b"" if body is None else json.dumps(body).encode()
        handle = c_void_p()
        call("convoy_call", self._handle, method.encode(), target.encode(), text, len(text),
             byref(handle))
        return _data_of(take_reply(handle))

    def call_async(self, method: str, target: str, body: object = None) -> Future[Any]:
        """The same without waiting; the Future gets the answer's data, or the ApiError."""
        text = b"" if body is None else json.dumps(body).encode()
        answered = _send_async("convoy_call_async", self._handle, method.encode(),
                               target.encode(), text, len(text))
        data: Future[Any] = Future()
        data.set_running_or_notify_cancel()
        if answered is None:
            data.set_exception(ApiError(404, "the path is not of the REST API"))
            return data

        def pass_on(reply: Future[Reply]) -> None:
            try:
                data.set_result(_data_of(reply.result()))
            except Exception as error:
                data.set_exception(error)
        answered.add_done_callback(pass_on)
        return data

    def take(self, name: str, items_max: int = 64, wait_s: float = 0.0) -> list[_local.Delivery]:
        """Deliveries to "local:NAME" that are there, the oldest first; waits for some for `wait_s`.

        Empty once the gateway closes. The setting local.names says which names there are.
        """
        return _local.take(self._handle, name, items_max, int(wait_s * 1000)) or []

    def on(self, name: str, workers: int = 1,
           batch: int = 1) -> Callable[[_local.Handler], _local.Handler]:
        """Decorator of a function that gets each Delivery to "local:NAME", on threads of Python's.

        When it returns, the event is delivered; when it raises, the event comes again (Retry says
        after how long), except after Refuse. Each thread takes `batch` deliveries at a time, whose
        deadlines run while the first ones are handled; the handler does not get one that is late.
        """
        def decorate(handler: _local.Handler) -> _local.Handler:
            for _ in range(workers):
                self._workers.add(name, handler, batch)
            return handler
        return decorate

    def deliveries(self, name: str, batch: int = 64) -> AsyncIterator[_local.Delivery]:
        """Deliveries to "local:NAME" as they come, for `async for`; finish each one yourself. The
        gateway has been started. Ends when the gateway closes. `batch` is taken at a time, and
        those that are late when their turn comes are left out."""
        return _local.deliveries(self, name, batch)

    def outcomes(self) -> Iterator[_outcomes.Outcome]:
        """The outcomes that wait, the oldest first; ends when there are none. The setting
        gateway.outcomes_max turns them on; `fileno` is readable while there are some."""
        while (outcome := _outcomes.next_outcome(self._handle)) is not None:
            yield outcome

    @property
    def dropped_outcomes_count(self) -> int:
        """How many outcomes were dropped because gateway.outcomes_max of them waited."""
        return _outcomes.dropped_count(self._handle)

    def log_lines(self) -> Iterator[_logs.LogLine]:
        """The log lines that wait, the oldest first; ends when there are none. The setting
        gateway.log_lines_max turns them on: for programs that want no logger called on threads of
        the library."""
        while (line := _logs.next_line(self._handle)) is not None:
            yield line

    def poll(self, items_max: int = 64) -> int:
        """With the setting gateway.completions "poll": sets the results of Futures that are ready, on
        this thread; returns how many. `fileno` is readable while there are some."""
        count = c_size_t()
        call("convoy_gateway_poll", self._handle, items_max, byref(count))
        return count.value

    def close(self, patience_s: float = 10.0) -> None:
        """Finishes what is in flight, at most for `patience_s`."""
        call("convoy_gateway_close", self._handle, int(patience_s * 1000))
        self._workers.join(patience_s)

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def mount(gateway: Gateway, handler: BaseHTTPRequestHandler) -> bool:
    """Answers the request that a handler of http.server has read the head of, if it is the gateway's.

    Returns False if the path is not; the handler then goes on as it would without the gateway.
    """
    path, _, query = handler.path.partition("?")
    headers = list(handler.headers.items())
    begun = gateway.begin(handler.command, path, headers, query, handler.client_address[0])
    if isinstance(begun, Incoming):
        begun = _read(handler, begun)
    else:
        handler.close_connection = handler.close_connection or begun is not None
    if begun is None:
        return False
    handler.send_response(begun.status)
    for name, value in begun.headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(begun.body)))
    handler.end_headers()
    handler.wfile.write(begun.body)
    return True


def _read(handler: BaseHTTPRequestHandler, incoming: Incoming) -> Reply | None:
    left = int(handler.headers.get("Content-Length") or 0)
    while left > 0:
        piece = handler.rfile.read(min(left, _PIECE_BYTES))
        if not piece:
            raise ConnectionError("the sender went away before the end of the body")
        left -= len(piece)
        refusal = incoming.feed(piece)
        if refusal is not None:
            handler.close_connection = True
            return refusal
    return incoming.finish()
