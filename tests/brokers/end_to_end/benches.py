"""The brokers of the cases: each a server of ../servers behind a network that can be broken."""
import contextlib
import copy
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import proxy  # pylint: disable=wrong-import-position
from servers import rabbitmq  # pylint: disable=wrong-import-position


def changed(pub_sub, *path, **fields):
    """A copy in which fields of the object at that path are others."""
    pub_sub = copy.deepcopy(pub_sub)
    target = pub_sub
    for name in path:
        target = target[name]
    target.update(fields)
    return pub_sub


class Bench:
    """A context: the server runs and has an empty queue, and so has the network before it."""

    keeps_messages = True  # when it restarts
    carries_bytes = True   # and not only text
    carries_nothing = True

    def __init__(self, server):
        self.server = server
        self.proxy = None

    def __enter__(self):
        self.server.__enter__()
        try:
            self.proxy = proxy.Proxy(self.server.new_queue().address)
        except BaseException:
            self.server.close()
            raise
        return self

    def __exit__(self, *_):
        self.proxy.close()
        self.server.close()

    def new_queue(self):
        return self.server.new_queue()

    def pub_sub(self, queue):
        return queue.pub_sub_at(*self.proxy.address)

    def hold(self):
        """Keeps from the broker what convoyd sends, from a moment on when it waits for messages."""
        return self.proxy.hold(self.is_asking)

    @staticmethod
    def is_asking(asked, age):
        """Whether that, and nothing since, is a request for messages with time to be answered."""
        raise NotImplementedError

    def forget_reader(self, queue):
        """Spares a test the time after which the broker would miss a reader that was killed."""

    # ---- What can be wrong: with a server that asks for credentials -----------------------------

    has_tokens = False

    def strict(self):
        """A context with a bench that asks for credentials."""
        return contextlib.nullcontext(self)

    def wrong(self, queue):
        """[(what is wrong, pub_sub, the field that should be named)]"""
        raise NotImplementedError

    def secrets(self):
        """Texts that must not be shown."""
        raise NotImplementedError

    def take_away(self, queue):
        queue.delete()

    def give_back(self, queue):
        raise NotImplementedError

    def change_credentials(self, queue):
        """Those that were given do not do any more; a pub_sub with new ones."""
        raise NotImplementedError

    def reconnect(self):
        """Makes a broker ask again that asks only once for each connection."""
        self.proxy.cut()
        self.proxy.heal()

    # ---- Breaking --------------------------------------------------------------------------------

    def restart(self):
        """While nobody reads, since a server may look at what it has kept."""
        self.server.stop()
        self.proxy.cut()
        self.server.start()
        self.proxy.heal()


class RabbitMq(Bench):
    def __init__(self):
        super().__init__(rabbitmq.Server())

    def hold(self):
        # The broker pushes what comes: who has begun to consume has asked once and for all.
        return self.proxy.hold()

    def wrong(self, queue):
        return [("password", changed(self.pub_sub(queue), "amqp", "auth", password="guessed"),
                 "pub_sub.amqp.auth"),
                ("queue", changed(self.pub_sub(queue), "amqp", queue="elsewhere"),
                 "pub_sub.amqp.queue"),
                ("exchange", changed(self.pub_sub(queue), "amqp", "bindExchange",
                                     exchange="elsewhere"), "pub_sub.amqp")]

    def secrets(self):
        return [self.server.password, "guessed"]

    def give_back(self, queue):
        queue.declare()

    def change_credentials(self, queue):
        self.server.change_password()
        self.reconnect()
        return self.pub_sub(queue)


BENCHES = {"rabbitmq": RabbitMq}
