"""A network that a test can break: a TCP proxy on 127.0.0.1 in front of a server.

    with Proxy(("127.0.0.1", 5672)) as proxy:
        queue.pub_sub_at(*proxy.address)
        proxy.cut()     # connections are reset, new ones are reset as well
        proxy.stall()   # connections stay, but nothing gets through, nor is it lost; new ones hang
        proxy.heal()    # whatever it was

Bytes are passed on as they come. One thread does it all.
"""
import selectors
import socket
import struct
import threading

PIECE_BYTES = 64 * 1024


def _reset(connection):
    """Closes with a reset, as a network that is gone would look after a while."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Proxy:
    def __init__(self, target):
        self._target = target
        self._lock = threading.Lock()
        self._state = "healthy"
        self._accepted_count = 0
        self._cut_after_bytes = None
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._pairs = []  # [_Pair]; of the thread alone
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self._set("cut")

    def cut_after(self, bytes_count):
        """Cuts once that many more bytes have come from the server: in the middle of something."""
        with self._lock:
            self._cut_after_bytes = bytes_count

    def stall(self):
        self._set("stalled")

    def heal(self):
        with self._lock:
            self._cut_after_bytes = None
        self._set("healthy")

    @property
    def state(self):
        with self._lock:
            return self._state

    @property
    def accepted_count(self):
        with self._lock:
            return self._accepted_count

    def close(self):
        self._set("closed")
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _set(self, state):
        with self._lock:
            if self._state == state:
                return
            self._state = state
        self._wake.send(b"x")

    def _run(self):
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while self.state != "closed":
            if self.state == "cut":
                self._drop_all()
            self._watch()
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    self._woken.recv(100)
                elif key.fileobj is self._listener:
                    self._accept()
                elif self.state == "healthy":
                    self._pass_on(*key.data)
        self._drop_all()
        for one in (self._listener, self._wake, self._woken):
            one.close()
        self._selector.close()

    def _accept(self):
        client, _ = self._listener.accept()
        with self._lock:
            self._accepted_count += 1
        if self.state == "cut":
            _reset(client)
            return
        try:
            server = socket.create_connection(self._target, 5)
        except OSError:
            _reset(client)
            return
        self._pairs.append(_Pair(client, server))

    def _watch(self):
        """Looks at what can be moved: nothing while stalled."""
        is_healthy = self.state == "healthy"
        for pair in self._pairs:
            for side in pair.sides:
                wanted = side.wanted(is_healthy)
                if wanted == side.watched:
                    continue
                if not side.watched:
                    self._selector.register(side.socket, wanted, (pair, side))
                elif not wanted:
                    self._selector.unregister(side.socket)
                else:
                    self._selector.modify(side.socket, wanted, (pair, side))
                side.watched = wanted

    def _pass_on(self, pair, side):
        if pair not in self._pairs:
            return
        try:
            moved = side.move()
        except OSError:
            self._drop(pair)
            return
        if side is pair.sides[1]:
            self._count(moved)
        if pair in self._pairs and all(one.is_done() for one in pair.sides):
            self._drop(pair, socket.socket.close)

    def _count(self, moved):
        with self._lock:
            if self._cut_after_bytes is None:
                return
            self._cut_after_bytes -= moved
            if self._cut_after_bytes > 0:
                return
            self._cut_after_bytes = None
            self._state = "cut"

    def _drop(self, pair, close=_reset):
        for side in pair.sides:
            if side.watched:
                self._selector.unregister(side.socket)
            close(side.socket)
        self._pairs.remove(pair)

    def _drop_all(self):
        for pair in list(self._pairs):
            self._drop(pair)


class _Pair:
    def __init__(self, client, server):
        first, second = _Side(client), _Side(server)
        first.peer, second.peer = second, first
        self.sides = (first, second)


class _Side:
    """One socket, and what its peer has read for it."""

    def __init__(self, connection):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.peer = None
        self.pending = b""
        self.is_at_end = False
        self.watched = 0

    def wanted(self, is_healthy):
        if not is_healthy:
            return 0
        events = selectors.EVENT_WRITE if self.pending else 0
        if not self.is_at_end and not self.peer.pending:
            events |= selectors.EVENT_READ
        return events

    def move(self):
        """Writes what is pending and reads for the peer; how many bytes it read."""
        if self.pending:
            try:
                self.pending = self.pending[self.socket.send(self.pending):]
            except BlockingIOError:
                pass
            if not self.pending and self.peer.is_at_end:
                self.socket.shutdown(socket.SHUT_WR)
        if self.is_at_end or self.peer.pending:
            return 0
        try:
            piece = self.socket.recv(PIECE_BYTES)
        except BlockingIOError:
            return 0
        self.peer.pending = piece
        if not piece:
            self.is_at_end = True
            self.peer.socket.shutdown(socket.SHUT_WR)
        return len(piece)

    def is_done(self):
        return self.is_at_end and not self.pending
