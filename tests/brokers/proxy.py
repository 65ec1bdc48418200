"""A network that a test can break: a TCP proxy on 127.0.0.1 in front of a server.

    with Proxy(("127.0.0.1", 5672)) as proxy:
        queue.pub_sub_at(*proxy.address)
        proxy.cut()     # connections are reset, new ones are reset as well
        proxy.stall()   # connections stay, but nothing gets through, nor is it lost; new ones hang
        proxy.hold()    # what clients send stays here, what the server sends gets through
        proxy.heal()    # whatever it was; what was kept goes on its way

Each returns when it is so. Bytes are passed on as they come. One thread does it all.
"""
import selectors
import socket
import struct
import threading
import time

PIECE_BYTES = 64 * 1024
ASKED_BYTES_MAX = 256 * 1024


def _reset(connection):
    """Closes with a reset, as a network that is gone would look after a while."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Proxy:
    def __init__(self, target):
        self._target = target
        self._changed = threading.Condition()  # guards these
        self._state = "healthy"
        self._reached = "healthy"  # the state that the thread acts by
        self._accepted_count = 0
        self._cut_after_bytes = None
        self._hold_when = None
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
        with self._changed:
            self._cut_after_bytes = bytes_count

    def stall(self):
        self._set("stalled")

    def hold(self, when=None, timeout=60.0):
        """With `when`: as soon as when(asked, age) is true for a connection on which the server has
        something to answer: `asked` is what it was sent since it last said anything, `age` how many
        seconds ago the last of that was. False if that does not come to pass; then nothing is held."""
        if when is None:
            self._set("held")
            return True
        with self._changed:
            self._hold_when = when
            self._wake.send(b"x")
            self._changed.wait_for(lambda: self._reached == "held", timeout)
            self._hold_when = None
            return self._state == "held"

    def heal(self):
        with self._changed:
            self._cut_after_bytes = None
        self._set("healthy")

    @property
    def state(self):
        with self._changed:
            return self._state

    @property
    def accepted_count(self):
        with self._changed:
            return self._accepted_count

    def close(self):
        with self._changed:
            self._state = "closed"
        self._wake.send(b"x")
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _set(self, state):
        with self._changed:
            self._state = state
            self._wake.send(b"x")
            self._changed.wait_for(lambda: self._reached == state or self._state != state)

    def _run(self):
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            self._hold_if_asked()
            state = self.state
            if state == "closed":
                break
            if state == "cut":
                self._drop_all()
            self._watch(state)
            self._reach(state)
            for key, _ in self._selector.select():
                if key.fileobj is self._woken:
                    self._woken.recv(100)
                elif key.fileobj is self._listener:
                    self._accept()
                elif self.state == state:
                    self._pass_on(state, *key.data)
        self._drop_all()
        for one in (self._listener, self._wake, self._woken):
            one.close()
        self._selector.close()

    def _reach(self, state):
        with self._changed:
            self._reached = state
            self._changed.notify_all()

    def _hold_if_asked(self):
        with self._changed:
            if self._hold_when is None or self._state != "healthy":
                return
            now = time.monotonic()
            if any(pair.asked and self._hold_when(pair.asked, now - pair.asked_at)
                   for pair in self._pairs):
                self._state = "held"

    def _accept(self):
        client, _ = self._listener.accept()
        with self._changed:
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

    def _watch(self, state):
        """Looks at what can be moved in that state."""
        for pair in self._pairs:
            for side in pair.sides:
                wanted = side.wanted(state)
                if wanted == side.watched:
                    continue
                if not side.watched:
                    self._selector.register(side.socket, wanted, (pair, side))
                elif not wanted:
                    self._selector.unregister(side.socket)
                else:
                    self._selector.modify(side.socket, wanted, (pair, side))
                side.watched = wanted

    def _pass_on(self, state, pair, side):
        if pair not in self._pairs:
            return
        try:
            sent, received = side.move(state)
        except OSError:
            self._drop(pair)
            return
        if side is pair.server:
            pair.note(sent, received)
            self._count(len(received))
        if all(one.is_done() for one in pair.sides):
            self._drop(pair, socket.socket.close)

    def _count(self, moved):
        with self._changed:
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
        self.client, self.server = _Side(client), _Side(server)
        self.client.peer, self.server.peer = self.server, self.client
        self.client.reads_in, self.client.writes_in = {"healthy"}, {"healthy", "held"}
        self.server.reads_in, self.server.writes_in = {"healthy", "held"}, {"healthy"}
        self.sides = (self.client, self.server)
        self.asked = b""
        self.asked_at = 0.0

    def note(self, sent, received):
        """Notes the bytes that went to the server and came from it."""
        if received:
            self.asked = b""
        if sent:
            self.asked = (self.asked + sent)[-ASKED_BYTES_MAX:]
            self.asked_at = time.monotonic()


class _Side:
    """One socket, and what its peer has read for it."""

    def __init__(self, connection):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.peer = None
        self.reads_in = self.writes_in = ()  # states of the proxy
        self.pending = b""
        self.is_at_end = False
        self.watched = 0

    def _may_write(self, state):
        return bool(self.pending) and state in self.writes_in

    def _may_read(self, state):
        return state in self.reads_in and not self.is_at_end and not self.peer.pending

    def wanted(self, state):
        return (selectors.EVENT_WRITE if self._may_write(state) else 0) | (
            selectors.EVENT_READ if self._may_read(state) else 0)

    def move(self, state):
        """Writes what is pending and reads for the peer; what it wrote and what it read."""
        sent = self._write() if self._may_write(state) else b""
        return sent, self._read() if self._may_read(state) else b""

    def _write(self):
        try:
            count = self.socket.send(self.pending)
        except BlockingIOError:
            return b""
        sent, self.pending = self.pending[:count], self.pending[count:]
        if not self.pending and self.peer.is_at_end:
            self.socket.shutdown(socket.SHUT_WR)
        return sent

    def _read(self):
        try:
            piece = self.socket.recv(PIECE_BYTES)
        except BlockingIOError:
            return b""
        self.peer.pending = piece
        if not piece:
            self.is_at_end = True
            self.peer.socket.shutdown(socket.SHUT_WR)
        return piece

    def is_done(self):
        return self.is_at_end and not self.pending
