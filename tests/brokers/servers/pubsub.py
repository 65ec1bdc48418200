"""Google Pub/Sub servers for tests, both by Google and both in memory, neither looking at credentials:

  Emulator  the emulator of the Google Cloud SDK, where that is installed. It loses everything with
            its process: restart() makes topics and subscriptions again, empty.
  PsTest    the server out of the Go client's tests, with a REST interface put before it (pstest_gateway/),
            since it has gRPC only. stop() takes that interface away and the messages stay, as they
            stay with Google.

Server is the first that can be had. Messages are produced with google-cloud-pubsub. Their ids are
the server's; `key` is the ordering key.
"""
import glob
import itertools
import pathlib
import shutil
import signal
import time
import urllib.request

from . import base, install

CLIENT = "google-cloud-pubsub==2.44.0"
EMULATOR_JARS = "/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar"
PROJECT = "test-project"
ACK_DEADLINE_S = 10
#: how long a message can be held by a reader that has gone
HELD_S_MAX = 31


class Queue(base.Queue):
    """A topic with one subscription."""

    def __init__(self, server, name):
        self._server = server
        self.topic = f"projects/{PROJECT}/topics/{name}"
        self.subscription = f"projects/{PROJECT}/subscriptions/{name}"
        self.name = name
        self.create()

    @property
    def address(self):
        return ("127.0.0.1", self._server.port)

    def create(self):
        self._server.publisher().create_topic(name=self.topic)
        self.subscribe()

    def subscribe(self):
        self._server.subscriber().create_subscription(request={
            "name": self.subscription, "topic": self.topic,
            "ack_deadline_seconds": ACK_DEADLINE_S})

    def remake(self):
        self.unsubscribe()
        self.subscribe()

    def unsubscribe(self):
        self._server.subscriber().delete_subscription(subscription=self.subscription)

    def pub_sub_at(self, host, port):
        return {"type": "google", "workers": 1,
                "google": {"project_id": PROJECT, "subscription_id": self.name,
                           "service_account": "", "endpoint": f"http://{host}:{port}"}}

    def produce(self, messages):
        return [future.result(timeout=60)
                for future in [self._publish(message) for message in messages]]

    def _publish(self, message):
        attributes = message.get("attributes") or {}
        if message.get("key"):  # the client insists on trying again then
            return self._server.ordering_publisher().publish(
                self.topic, message["body"], ordering_key=message["key"], **attributes)
        return self._server.publisher().publish(self.topic, message["body"], retry=None,
                                                **attributes)

    def left(self, held_s_max=HELD_S_MAX):
        """A server that cannot tell takes `held_s_max` seconds to find out that it is 0."""
        return self._server.left(self, held_s_max)


class _PubSubServer(base.Server):
    queue_type = Queue

    def __init__(self):
        self._pubsub = base.python_package("google.cloud.pubsub_v1", CLIENT)
        self.folder = base.Folder("pubsub")
        self.port = self.grpc_port = None
        self._program = None
        self._clients = {}
        self._queues = []
        self._names = (f"queue{number}" for number in itertools.count(1))

    def _client(self, name, kind, transport, **options):
        if name not in self._clients:
            grpc = base.python_package("grpc", CLIENT)
            channel = grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}")
            self._clients[name] = kind(transport=transport(channel=channel), **options)
        return self._clients[name]

    def publisher(self):
        return self._publisher("publisher")

    def ordering_publisher(self):
        """For messages with an ordering key."""
        return self._publisher("ordering publisher", publisher_options=self._pubsub.types.
                               PublisherOptions(enable_message_ordering=True))

    def _publisher(self, name, **options):
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
        return self._client(name, self._pubsub.PublisherClient, PublisherGrpcTransport, **options)

    def subscriber(self):
        from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
        return self._client("subscriber", self._pubsub.SubscriberClient, SubscriberGrpcTransport)

    def _launch(self, command):
        self._program = base.Program(command, self.folder.path / "log.txt")
        self._program.wait_until(lambda: base.is_listening(self.port) and
                                 base.is_listening(self.grpc_port), type(self).__name__, 120)

    def _end(self):
        for client in self._clients.values():
            if isinstance(client, self._pubsub.PublisherClient):
                client.stop()
            client.transport.close()
        self._clients = {}
        if self._program is not None:
            self._program.stop()
            self._program = None

    def close(self):
        self._end()
        self.folder.remove()

    def new_queue(self):
        self._queues.append(self.queue_type(self, next(self._names)))
        return self._queues[-1]


class Emulator(_PubSubServer):
    survives_restart = False

    def __init__(self):
        super().__init__()
        self._jar = sorted(glob.glob(EMULATOR_JARS))[-1]
        self.port, = base.free_ports(1)
        self.grpc_port = self.port

    def start(self):
        self._launch(["java", "-Xmx512m", "-jar", self._jar, "--host=127.0.0.1",
                      f"--port={self.port}"])
        for queue in self._queues:
            queue.create()

    def stop(self):
        self._end()

    def left(self, queue, held_s_max):
        """The emulator does not report it, so it is asked for the messages themselves, which are given
        back at once. Those that a reader holds are seen when their time is over: 0 takes as long as
        that can be."""
        deadline = time.monotonic() + held_s_max
        while time.monotonic() < deadline:
            received = self.subscriber().pull(request={
                "subscription": queue.subscription, "max_messages": 1000,
                "return_immediately": True}).received_messages
            if received:
                self.subscriber().modify_ack_deadline(request={
                    "subscription": queue.subscription, "ack_deadline_seconds": 0,
                    "ack_ids": [message.ack_id for message in received]})
                return len(received)
            time.sleep(0.5)
        return 0


class PsTest(_PubSubServer):
    survives_restart = True

    def __init__(self):
        super().__init__()
        folder = pathlib.Path(__file__).parent / "pstest_gateway"
        self._binary = install.go_program("pstest", folder)
        self.port, self.grpc_port = base.free_ports(2)

    def start(self):
        if self._program is None:
            self._launch([self._binary, "--rest", f"127.0.0.1:{self.port}",
                          "--grpc", f"127.0.0.1:{self.grpc_port}"])
        else:
            self._program.process.send_signal(signal.SIGUSR2)
            base.wait_until(lambda: base.is_listening(self.port), "pstest")

    def stop(self):
        if self._program is not None:
            self._program.process.send_signal(signal.SIGUSR1)
            base.wait_until(lambda: not base.is_listening(self.port), "pstest to be down")

    def left(self, queue, _held_s_max):
        url = f"http://127.0.0.1:{self.port}/unacknowledged?topic={queue.topic}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.read())


Server = Emulator if glob.glob(EMULATOR_JARS) and shutil.which("java") else PsTest
