"""RabbitMQ: a node of its own from Debian's package, produced to with pika.

The node has its own name, data, cookie and port mapper (epmd), so it neither disturbs nor needs the
service that the package may have started.
"""
import contextlib
import itertools
import json
import os
import pathlib
import secrets
import subprocess

from . import base

SCRIPTS = pathlib.Path("/usr/lib/rabbitmq/bin")
USER = "convoy"
#: what messages have that have no key of their own
DEFAULT_KEY = "test"

#: of the unit tests, for 127.0.0.1; clients must trust its authority.crt
CERTIFICATES = base.ROOT / "tests" / "unit" / "transport" / "certificates"

CONFIG = """
listeners.tcp.1 = 127.0.0.1:{port}
listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {certificates}/authority.crt
ssl_options.certfile = {certificates}/numeric.crt
ssl_options.keyfile = {certificates}/numeric.key
ssl_options.verify = verify_none
default_user = {user}
default_pass = {password}
loopback_users = none
disk_free_limit.absolute = 50MB
log.console = true
log.console.level = info
log.file = false
"""


class Queue(base.Queue):
    """A durable queue with a direct exchange bound to it, and the same for its dead letters."""

    def __init__(self, server, name, vhost, arguments):
        self.server = server
        self.name = name
        self.vhost = vhost
        self._arguments = arguments
        self.exchange = name + ".in"
        self.dead_letter_exchange = name + ".dead"
        self.dead_letter_queue = name + ".dead"
        self.address = ("127.0.0.1", server.port)
        self.create()

    def create(self):
        """Declares the queue and the exchange, and binds them."""
        with self.server.channel(self.vhost) as channel:
            channel.queue_declare(self.name, durable=True, arguments=self._arguments)
            channel.exchange_declare(self.exchange, "direct", durable=True)
            channel.exchange_declare(self.dead_letter_exchange, "fanout", durable=True)
            channel.queue_declare(self.dead_letter_queue, durable=True)
            channel.queue_bind(self.dead_letter_queue, self.dead_letter_exchange)
            channel.queue_bind(self.name, self.exchange, DEFAULT_KEY)

    def pub_sub_at(self, host, port):
        return {"type": "amqp", "workers": 1, "amqp": {
            "schema": "amqp", "host": host, "port": str(port),
            "auth": {"user": USER, "password": self.server.password},
            "vhost": self.vhost, "queue": self.name,
            "bindExchange": {"exchange": self.exchange, "routingKey": DEFAULT_KEY},
            "deadLetterExchange": self.dead_letter_exchange}}

    def produce(self, messages):
        """A message may have "properties", too: more of pika's BasicProperties."""
        with self.server.channel(self.vhost) as channel:
            returned = []
            channel.add_on_return_callback(lambda *message: returned.append(message))
            # Confirmed by the batch: pika would wait for the confirmation of each single message.
            channel.tx_select()
            for message in messages:
                fields = {"content_type": "application/json", "delivery_mode": 2,
                          "message_id": message.get("id"),
                          "headers": dict(message.get("attributes") or {}),
                          **(message.get("properties") or {})}
                channel.basic_publish(self.exchange, message.get("key") or DEFAULT_KEY,
                                      message["body"], self.server.pika.BasicProperties(**fields),
                                      mandatory=True)
            channel.tx_commit()
            if returned:
                raise RuntimeError(f"{len(returned)} messages went to no queue")
        return [message.get("id") for message in messages]  # the broker has no names for them

    def consume_first(self, room):
        """Consumes with a higher priority, without ever acknowledging, until the server is closed."""
        connection = self.server.connection(self.vhost)
        self.server.keep(connection)
        channel = connection.channel()
        channel.basic_qos(prefetch_count=room)
        channel.basic_consume(self.name, lambda *_: None, arguments={"x-priority": 10})

    def left(self):
        return self.server.messages(self.name, self.vhost)

    def delete(self):
        with self.server.channel(self.vhost) as channel:
            channel.queue_delete(self.name)

    def delete_dead_letter_exchange(self):
        with self.server.channel(self.vhost) as channel:
            channel.exchange_delete(self.dead_letter_exchange)

    def set_dead_letter_policy(self):
        """Makes the broker itself move rejected messages to the queue of dead letters."""
        self.server.control("set_policy", self.name, f"^{self.name}$",
                            json.dumps({"dead-letter-exchange": self.dead_letter_exchange}),
                            "--apply-to", "queues")

    def reject_all(self):
        with self.server.channel(self.vhost) as channel:
            while True:
                method, _, _ = channel.basic_get(self.name)
                if method is None:
                    return
                channel.basic_reject(method.delivery_tag, requeue=False)

    def produce_deep(self):
        """Headers as deep as a frame of 128 KiB holds, then as large, then an ordinary message.

        pika would recurse, so the table is spelt out: arrays in an array in a table."""
        levels, room = 26_000, 131_072 - 200
        deep = b"".join(b"A" + (5 * (levels - 1 - level)).to_bytes(4, "big")
                        for level in range(levels))
        pika = self.server.pika
        for body, key, value in ((b"deep", b"deep", deep),
                                 (b"large", b"large", b"S" + room.to_bytes(4, "big") + b"x" * room)):
            table = bytes([len(key)]) + key + value
            properties = pika.BasicProperties(delivery_mode=2)
            flags = pika.BasicProperties.FLAG_HEADERS | pika.BasicProperties.FLAG_DELIVERY_MODE
            properties.encode = lambda table=table, flags=flags: [
                flags.to_bytes(2, "big"), len(table).to_bytes(4, "big"), table, b"\x02"]
            with self.server.channel(self.vhost) as channel:
                channel.confirm_delivery()
                channel.basic_publish(self.exchange, DEFAULT_KEY, body, properties, mandatory=True)
        self.produce([{"body": b"after"}])

    def dead_letter_sizes(self):
        return [len(letter["body"]) for letter in self.dead_letters()]

    def dead_letters(self):
        """The messages in the dead-letter queue, which are removed: dicts of body, attributes,
        key, id and properties."""
        letters = []
        with self.server.channel(self.vhost) as channel:
            while True:
                method, properties, body = channel.basic_get(self.dead_letter_queue, auto_ack=True)
                if method is None:
                    return letters
                letters.append({"body": body, "attributes": properties.headers or {},
                                "key": method.routing_key, "id": properties.message_id,
                                "properties": vars(properties)})


class Server(base.Server):
    def __init__(self):
        self.pika = base.python_package("pika", "pika==1.3.2")
        self.folder = base.Folder("rabbitmq")
        ports = base.free_ports(4)
        self.port, self.tls_port, self._distribution_port, self._epmd_port = ports
        self.password = secrets.token_hex(16)
        self._names = (f"queue{number}" for number in itertools.count(1))
        self._epmd = None
        self._node = None
        self._held = []
        path = self.folder.path
        (path / "rabbitmq.conf").write_text(
            CONFIG.format(port=self.port, tls_port=self.tls_port, user=USER,
                          password=self.password, certificates=CERTIFICATES))
        (path / "plugins").write_text("[].\n")
        self._env = {
            "PATH": os.environ["PATH"], "HOME": str(path), "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": f"convoy{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(path / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(path / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(path / "data"),
            "RABBITMQ_LOG_BASE": str(path / "log"),
            "RABBITMQ_PID_FILE": str(path / "pid"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1}"
                " +sbwt none +sbwtdcpu none +sbwtdio none",
            "ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    def start(self):
        log = self.folder.path / "log.txt"
        if self._epmd is None:
            # In front of the node: otherwise Erlang would leave one of its own behind.
            self._epmd = base.Program(["epmd", "-port", self._epmd_port, "-address", "127.0.0.1"],
                                      self.folder.path / "epmd.txt", self._env)
            self._epmd.wait_until(lambda: base.is_listening(self._epmd_port), "epmd")
        self._node = base.Program([SCRIPTS / "rabbitmq-server"], log, self._env)
        self._node.wait_until(self._is_ready, "RabbitMQ", timeout=120)

    def stop(self):
        if self._node is not None:
            self._node.stop()
            self._node = None

    def kill(self):
        """Without a chance to say goodbye."""
        self._node.stop(patience=0)
        self._node = None

    def close(self):
        with contextlib.ExitStack() as ends:  # the last first, and each whatever becomes of others
            ends.callback(self.folder.remove)
            if self._epmd is not None:
                ends.callback(self._epmd.stop)
            ends.callback(self.stop)
            for connection in self._held:
                ends.callback(connection.close)
        self._epmd = None

    def new_queue(self, name=None, vhost="/", arguments=None):
        """`arguments` of the declaration, which choose the kind of queue."""
        return Queue(self, name or next(self._names), vhost, arguments)

    def new_vhost(self):
        """Its name; the user of all queues may do anything there."""
        name = f"host-{next(self._names)}"
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, USER, ".*", ".*", ".*")
        return name

    def connection(self, vhost="/"):
        """pika's, as a context."""
        credentials = self.pika.PlainCredentials(USER, self.password)
        return self.pika.BlockingConnection(self.pika.ConnectionParameters(
            "127.0.0.1", self.port, vhost, credentials=credentials, heartbeat=60,
            socket_timeout=20, blocked_connection_timeout=60))

    def channel(self, vhost="/"):
        """A channel on a connection of its own, as a context that closes both."""
        return _Channel(self.connection(vhost))

    def control(self, *words):
        """The output of `rabbitmqctl --quiet words…`."""
        try:
            done = subprocess.run([str(SCRIPTS / "rabbitmqctl"), "--quiet", *words], env=self._env,
                                  capture_output=True, text=True, timeout=60)
        except subprocess.TimeoutExpired as error:
            raise base.TimedOut(f"rabbitmqctl {words} does not end") from error
        if done.returncode != 0:
            raise AssertionError(f"rabbitmqctl {words}: {done.stdout}{done.stderr}")
        return done.stdout

    def new_user(self, user, password, configure="^$", write="^$", read="^$"):
        """With the permissions that these patterns of names give."""
        self.control("add_user", user, password)
        self.control("set_permissions", user, configure, write, read)

    def change_password(self):
        """Of the user that all queues are read as; connections that are open go on."""
        self.password = secrets.token_hex(16)
        self.control("change_password", USER, self.password)

    def hold(self, queue):
        """Declares an exclusive queue and keeps the connection that owns it, until close()."""
        connection = self.connection()
        connection.channel().queue_declare(queue, exclusive=True)
        self.keep(connection)

    def keep(self, connection):
        """Leaves it open until close()."""
        self._held.append(connection)

    def messages(self, queue, vhost="/"):
        """How many messages a queue has, handed out ones among them."""
        def ask():
            # On a busy machine it may not reach a node that is up, or hang.
            try:
                return self.control("list_queues", "-p", vhost, "--formatter", "json", "name",
                                    "messages")
            except AssertionError as error:
                failures.append(error)
                return None
        failures = []
        try:
            listed = json.loads(base.wait_until(ask, "rabbitmqctl", timeout=180, interval=1))
        except AssertionError:
            raise failures[-1] from None
        return next(one["messages"] for one in listed if one["name"] == queue)

    def _is_ready(self):
        try:
            self.connection().close()
            return True
        except (self.pika.exceptions.AMQPError, OSError):
            return False


class _Channel:
    def __init__(self, connection):
        self._connection = connection

    def __enter__(self):
        return self._connection.channel()

    def __exit__(self, *_):
        if self._connection.is_open:
            self._connection.close()
