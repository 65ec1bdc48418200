"""The brokers of the cases: each a server of ../servers behind a network that can be broken."""
import contextlib
import copy
import json
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import proxy
from servers import google_front, kafka, pubsub, rabbitmq, sqs, sqs_moto


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

    #: longer than any poll lasts: the one that is under way may be too old to wait for
    HOLD_PATIENCE_S = 180

    keeps_messages = True  # when it restarts
    carries_bytes = True   # and not only text
    carries_nothing = True
    redelivers_at_once = True  # when a reader is gone, and not after a time
    tells_lag = True
    has_ids = True  # of messages, by the broker or by the producer
    KEY = "orders.eu"  # of messages in new_queue_with_keys

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

    def new_queue_for_many(self):
        """To be read by several convoyd at once."""
        return self.new_queue()

    def new_queue_with_keys(self):
        """For messages with the key KEY."""
        return self.new_queue()

    def other_places(self, _queue):
        """Empty queues that a source may be moved to."""
        yield self.new_queue()

    def members_count(self, queue):
        """How many read it, if the broker shares it out among those."""

    def pub_sub(self, queue):
        return queue.pub_sub_at(*self.proxy.address)

    def left(self, queue, held_s_max):
        """Number of messages that are not acknowledged. A broker that reports only messages without a holder
        is asked for so long."""
        return queue.left()

    def hold(self):
        """Keeps from the broker what convoyd sends, from a moment on when it waits for messages."""
        return self.proxy.hold(self.is_asking, self.HOLD_PATIENCE_S)

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

    def of_other_ports(self, _queue):
        """[(pub_sub with security settings of another port, text that the state should hold)]"""
        return []

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

    def restart(self, _flow):
        """Stops the server and starts it again, while messages flow and are read."""
        self.server.stop()
        self.proxy.cut()
        self.server.start()
        self.proxy.heal()


class RabbitMq(Bench):
    KEY = rabbitmq.DEFAULT_KEY  # the one that the queue is bound with

    def __init__(self):
        super().__init__(rabbitmq.Server())

    def other_places(self, queue):
        yield self.new_queue()
        yield self.server.new_queue(queue.name, self.server.new_vhost())

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
        queue.create()

    def change_credentials(self, queue):
        self.server.change_password()
        self.reconnect()
        return self.pub_sub(queue)


class Sqs(Bench):
    """ElasticMQ, and moto where credentials matter."""

    carries_bytes = carries_nothing = False
    redelivers_at_once = False
    POLL_AGE_S_MAX = 15  # of the 20 that convoyd asks for

    def __init__(self, server=None):
        super().__init__(server or sqs.Server())

    @classmethod
    def is_asking(cls, asked, age):
        return (b'"WaitTimeSeconds":20' in asked and asked.endswith(b"}") and
                age < cls.POLL_AGE_S_MAX)

    def new_queue_with_keys(self):
        return self.server.new_queue(is_fifo=True)

    def strict(self):
        return Sqs(sqs_moto.Server())

    def wrong(self, queue):
        pub_sub = self.pub_sub(queue)
        return [("secret", changed(pub_sub, "sqs", secret_key="guessed"), "pub_sub.sqs.secret_key"),
                ("key", changed(pub_sub, "sqs", access_key_id="AKIDUNKNOWN", secret_key="guessed"),
                 "pub_sub.sqs.secret_key"),
                ("queue", changed(pub_sub, "sqs", queue_name="elsewhere"),
                 "pub_sub.sqs.queue_name")]

    def secrets(self):
        return [self.server.reader[1], "guessed"]

    def give_back(self, queue):
        queue.create()

    def change_credentials(self, queue):
        self.server.change_reader()
        return self.pub_sub(queue)

    def restart(self, flow):
        # ElasticMQ does not outlive a stop in the middle of its writing: its database is damaged. So
        # nothing is produced or read meanwhile, and what it has received is written after a moment.
        with flow.paused():
            self.proxy.stall()
            time.sleep(2)
            self.server.restart()
            self.proxy.heal()


class PubSub(Bench):
    """Google's emulator where it is installed, otherwise pstest; google_front before it where
    credentials matter. What the emulator is told is gone when it restarts; pstest keeps its messages
    while its REST interface is away."""

    redelivers_at_once = False
    has_tokens = True
    tells_lag = False

    def __init__(self, server=None):
        super().__init__(server or pubsub.Server())
        self.keeps_messages = self.server.survives_restart
        # pstest looks once more after half a second, and the emulator goes on for long.
        self.pull_age_s_max = 0.25 if isinstance(self.server, pubsub.PsTest) else 60

    def left(self, queue, held_s_max):
        return queue.left(held_s_max)

    def is_asking(self, asked, age):
        return (b":pull " in asked and asked.endswith(b"}") and
                b"returnImmediately" not in asked and age < self.pull_age_s_max)

    def strict(self):
        return PubSub(google_front.Server())

    def wrong(self, queue):
        pub_sub = self.pub_sub(queue)
        return [("key", changed(pub_sub, "google", service_account=self.server.new_unknown_key()),
                 "pub_sub.google.service_account"),
                ("subscription", changed(pub_sub, "google", subscription_id="elsewhere"),
                 "pub_sub.google.subscription_id")]

    def secrets(self):
        return json.loads(self.server.key.file)["private_key"].split("\n")[1:-2]

    def take_away(self, queue):
        queue.unsubscribe()

    def give_back(self, queue):
        queue.subscribe()

    def change_credentials(self, queue):
        self.server.change_key()
        self.reconnect()  # a pull that was let in waits for long
        return self.pub_sub(queue)

    def expire_tokens(self):
        self.server.expire_tokens()
        self.reconnect()


class Kafka(Bench):
    PARTITIONS = 6  # for many
    has_ids = False
    FETCH = 1
    FETCH_AGE_S_MAX = 0.25  # of the half second that a fetch waits

    def __init__(self):
        super().__init__(kafka.Server())

    @classmethod
    def is_asking(cls, asked, age):
        return cls.last_request(asked) == cls.FETCH and age < cls.FETCH_AGE_S_MAX

    @staticmethod
    def last_request(asked):
        """The kind of the last of whole requests, or None."""
        kind = None
        while len(asked) >= 6:
            size, kind = struct.unpack(">ih", asked[:6])
            asked = asked[4 + size:] if len(asked) >= 4 + size else b"rest"
        return None if asked else kind

    def new_queue_for_many(self):
        return self.server.new_queue(self.PARTITIONS)

    def members_count(self, queue):
        return len(self.server.members(queue.group))

    def forget_reader(self, queue):
        queue.expel_members()

    def wrong(self, queue):
        pub_sub = self.pub_sub(queue)
        return [("password", changed(pub_sub, "kafka", "auth", password="guessed"),
                 "pub_sub.kafka.auth"),
                ("topic", changed(pub_sub, "kafka", topic_name="elsewhere"),
                 "pub_sub.kafka.topic_name")]

    def of_other_ports(self, queue):
        pub_sub = self.pub_sub(queue)
        return [(changed(pub_sub, "kafka", auth=None), "look at auth: this port may want TLS"),
                (changed(pub_sub, "kafka", "auth", tls=True),
                 "look at auth.tls: this port may be one without TLS")]

    def secrets(self):
        return [self.server.password, "guessed"]

    def give_back(self, queue):
        self.server.make_topic(queue.topic, queue.partitions)

    def change_credentials(self, queue):
        self.server.change_password()
        self.reconnect()
        return self.pub_sub(queue)


BENCHES = {
    "rabbitmq": RabbitMq, "sqs": Sqs, "pubsub": PubSub, "kafka": Kafka,
    # where the emulator would be taken otherwise
    "pstest": lambda: PubSub(pubsub.PsTest()),
}
