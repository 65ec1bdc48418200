"""Apache Kafka for tests: one node in KRaft mode, from the jars in Maven Central.

It has a listener for every way in: one without authentication (for production and administration), one
with SASL, one with SASL over TLS, and one whose address clients are told to be somewhere else, which
is where a test puts its proxy. Messages are produced with Confluent's client.
"""
import functools
import itertools
import socket
import struct
import subprocess
import uuid

from . import base, install

KAFKA = ("org.apache.kafka:kafka_2.13:4.1.2", "org.slf4j:slf4j-simple:1.7.36")
CLIENT = "confluent-kafka==2.16.1"
USER = "convoy"
CERTIFICATES = base.ROOT / "tests" / "unit" / "transport" / "certificates"

_JVM = ["-Xmx512m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]

_CONFIGURATION = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},\
PROXIED://127.0.0.1:{proxied},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAIN://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls},\
PROXIED://{advertised}
listener.security.protocol.map=PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL,\
PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.location={folder}/server.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:{user}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
"""
_PLAIN_LOGIN = """listener.name.{name}.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required {users};
"""
_SCRAM_LOGIN = """listener.name.{name}.{mechanism}.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
_SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")


class Queue(base.Queue):
    """A topic, and a consumer group of its own."""

    def __init__(self, server, name, partitions):
        self.server = server
        self.topic = name
        self.group = f"{name}-group"
        self.partitions = partitions
        self.address = ("127.0.0.1", server.ports["proxied"])
        self.create()

    @property
    def pub_sub(self):
        return self._pub_sub("127.0.0.1", self.server.ports["sasl"])

    def pub_sub_at(self, host, port):
        """Restarts the server if that is a new address: clients are sent there by the server."""
        self.server.advertise(host, port)
        return self._pub_sub(host, port)

    def _pub_sub(self, host, port):
        return {"type": "kafka", "workers": 1, "kafka": {
            "brokers": [f"{host}:{port}"], "consumer_group_id": self.group,
            "topic_name": self.topic,
            "auth": {"type": "scram", "hash": "SHA256", "username": USER,
                     "password": self.server.password, "tls": False}}}

    def produce(self, messages):
        """A message may have a "timestamp" of its own, in milliseconds."""
        failures, ids = [], [None] * len(messages)

        def report(error, sent, number):
            if error:
                failures.append(str(error))
            else:
                ids[number] = f"{sent.topic()}/{sent.partition()}/{sent.offset()}"

        producer = self.server.producer()
        for number, message in enumerate(messages):
            key = message.get("key") or message.get("id")
            while True:
                try:
                    producer.produce(
                        self.topic, message["body"], key=key,
                        headers=list((message.get("attributes") or {}).items()),
                        timestamp=message.get("timestamp", 0),
                        on_delivery=functools.partial(report, number=number))
                    break
                except BufferError:
                    producer.poll(1)
        if producer.flush(60) or failures:
            raise RuntimeError(f"not produced: {failures[:3]}")
        return ids

    def left(self):
        client = self.server.client
        consumer = client.Consumer({"bootstrap.servers": self.server.plain_address,
                                    "group.id": self.group})
        try:
            partitions = [client.TopicPartition(self.topic, number)
                          for number in range(self.partitions)]
            return sum(self._left_of(consumer, one) for one in consumer.committed(partitions, 30))
        finally:
            consumer.close()

    @staticmethod
    def _left_of(consumer, partition):
        begin, end = consumer.get_watermark_offsets(partition, 30)
        return end - max(begin, partition.offset)  # an offset below 0: nothing was committed

    def create(self):
        self.server.make_topic(self.topic, self.partitions)

    def delete(self):
        self.server.delete_topic(self.topic)

    def expel_members(self):
        """From its group, instead of waiting until those that died are missed: what Kafka's own tools
        send for it (LeaveGroup, version 0)."""
        for member in self.server.members(self.group):
            body = b"".join(struct.pack(">h", len(text)) + text.encode()
                            for text in ("test", self.group, member))
            request = struct.pack(">hhi", 13, 0, 1) + body
            with socket.create_connection(("127.0.0.1", self.server.ports["plain"]), 10) as kafka:
                kafka.sendall(struct.pack(">i", len(request)) + request)
                with kafka.makefile("rb") as answers:
                    _, _, error = struct.unpack(">iih", answers.read(10))
            if error not in (0, 25):  # 25: it has left by now
                raise AssertionError(f"{member} did not leave {self.group}: error {error}")


class Server(base.Server):
    def __init__(self):
        self.client = base.python_package("confluent_kafka", CLIENT)
        self._class_path = install.java_packages("kafka", *KAFKA)
        self.folder = base.Folder("kafka")
        names = ("plain", "sasl", "tls", "proxied", "controller")
        self.ports = dict(zip(names, base.free_ports(len(names))))
        self.password = uuid.uuid4().hex
        self._users = {USER: self.password}
        self._advertised = f"127.0.0.1:{self.ports['proxied']}"
        self._program = None
        self._producer = None
        self._names = (f"topic{number}" for number in itertools.count(1))

    @property
    def plain_address(self):
        return f"127.0.0.1:{self.ports['plain']}"

    def start(self):
        configuration = self._write_configuration()
        if not (self.folder.path / "data" / "meta.properties").exists():
            self._format(configuration)
        self._program = base.Program(["java", *_JVM, "-cp", self._class_path, "kafka.Kafka",
                                      configuration], self.folder.path / "log.txt")
        self._program.wait_until(self._is_ready, "Kafka", timeout=120)

    def stop(self):
        if self._program is not None:
            self._program.stop()
            self._program = None

    def kill(self):
        """Without a chance to say goodbye."""
        self._program.stop(patience=0)
        self._program = None

    def close(self):
        self.stop()
        self.folder.remove()

    def new_queue(self, partitions=1):
        return Queue(self, next(self._names), partitions)

    def producer(self):
        """One for all queues: connecting takes a while."""
        if self._producer is None:
            self._producer = self.client.Producer({
                "bootstrap.servers": self.plain_address, "linger.ms": 5, "acks": "all",
                "enable.idempotence": True, "reconnect.backoff.max.ms": 1000, "log_level": 0})
        return self._producer

    def members(self, group):
        """The ids of those that a consumer group has."""
        admin = self._admin()  # has to live until the answer is there
        described = admin.describe_consumer_groups([group])[group].result(60)
        return [member.member_id for member in described.members]

    def change_password(self):
        """Of the user that all queues are read as, for SCRAM; connections that are open go on."""
        self.password = uuid.uuid4().hex
        admin = self.client.admin
        for mechanism in (admin.ScramMechanism.SCRAM_SHA_256, admin.ScramMechanism.SCRAM_SHA_512):
            change = admin.UserScramCredentialUpsertion(
                USER, admin.ScramCredentialInfo(mechanism, 4096), self.password.encode())
            self._administer("alter_user_scram_credentials", change)

    def advertise(self, host, port):
        """Clients of the proxied listener are told to come here from now on."""
        if self._advertised != f"{host}:{port}":
            self._advertised = f"{host}:{port}"
            self.restart()

    def new_user(self, user, password):
        """One who may do nothing yet; restarts the server, which reads its users at the start."""
        self._users[user] = password
        self.restart()

    def allow(self, user, kind, name):
        """Lets a user read a "topic" or a "group"."""
        admin, types = self.client.admin, self.client.admin.ResourceType
        acl = admin.AclBinding(types[kind.upper()], name, admin.ResourcePatternType.LITERAL,
                               f"User:{user}", "*", admin.AclOperation.READ,
                               admin.AclPermissionType.ALLOW)
        self._administer("create_acls", acl)

    def make_topic(self, name, partitions=1):
        topic = self.client.admin.NewTopic(name, num_partitions=partitions, replication_factor=1)
        self._administer("create_topics", topic)

    def delete_topic(self, name):
        """Returns when it is gone: what is sent to a topic on its way out is confirmed, and lost."""
        self._administer("delete_topics", name)
        admin = self._admin()
        base.wait_until(lambda: name not in admin.list_topics(timeout=10).topics, f"{name} to go")

    def _admin(self):
        base.python_package("confluent_kafka.admin", CLIENT)
        return self.client.admin.AdminClient({"bootstrap.servers": self.plain_address})

    def _administer(self, call, item):
        admin = self._admin()  # has to live until the answer is there
        for future in getattr(admin, call)([item]).values():
            future.result(60)

    def _write_configuration(self):
        path = self.folder.path
        key = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-in",
                              CERTIFICATES / "numeric.key"], check=True, capture_output=True).stdout
        (path / "server.pem").write_bytes(key + (CERTIFICATES / "numeric.crt").read_bytes())
        text = _CONFIGURATION.format(folder=path, user=USER, advertised=self._advertised,
                                     **self.ports)
        users = " ".join(f'user_{user}="{password}"' for user, password in self._users.items())
        for name in ("sasl", "tls", "proxied"):
            text += _PLAIN_LOGIN.format(name=name, users=users)
            for mechanism in _SCRAM:
                text += _SCRAM_LOGIN.format(name=name, mechanism=mechanism.lower())
        (path / "server.properties").write_text(text)
        return path / "server.properties"

    def _format(self, configuration):
        command = ["java", *_JVM, "-cp", self._class_path, "kafka.tools.StorageTool", "format",
                   "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", configuration]
        for mechanism in _SCRAM:
            command += ["--add-scram", f"{mechanism}=[name={USER},password={self.password}]"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"the storage was not formatted:\n{done.stdout}{done.stderr}")

    def _is_ready(self):
        if not base.is_listening(self.ports["plain"]):
            return False
        try:
            return bool(self._admin().list_topics(timeout=2).brokers)
        except self.client.KafkaException:
            return False
