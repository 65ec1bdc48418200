"""An SQS server for tests: ElasticMQ, which keeps visibility times, long polls and the JSON protocol,
and whose messages survive a restart. It checks no credentials; sqs_moto.py's does.

Messages are produced with boto3. Their ids are the server's: `id` of a message is not used, and
`key`, the message group, only with FIFO queues. A body has to be text, as with Amazon's own. boto3
by itself sends again what failed, and the server may have kept it all the same: on a busy machine
ElasticMQ answers 500 now and then for a message that it keeps. Then there are two messages. So here
nothing is sent twice.
"""
import uuid

from . import base, install

ELASTICMQ = "org.elasticmq:elasticmq-server_2.13:1.6.12"
BOTO3 = "boto3==1.44.8"
REGION = "eu-central-1"
BATCH_MAX = 10
BATCH_BYTES_MAX = 200_000

_CONFIGURATION = """
include classpath("application.conf")
pekko.http.server.request-timeout = 40s
node-address {{ protocol = http, host = "127.0.0.1", port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-port = {port}, bind-hostname = "127.0.0.1", sqs-limits = strict }}
rest-stats.enabled = false
generate-node-address = false
queues-storage {{ enabled = true, path = "{folder}/queues.conf" }}
messages-storage {{
  enabled = true
  driver-class-name = "org.h2.Driver"
  uri = "jdbc:h2:{folder}/messages"
  username = "sa"
  password = ""
}}
"""


def client_of(service, endpoint, access_key_id="AKIDTEST", secret_key="secret", tries_max=5):
    """boto3's."""
    boto3 = base.python_package("boto3", BOTO3)
    config = base.python_package("botocore.config", BOTO3).Config(
        retries={"total_max_attempts": tries_max})
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, config=config,
                        aws_access_key_id=access_key_id, aws_secret_access_key=secret_key)


class Queue(base.Queue):
    def __init__(self, server, name, is_fifo=False):
        self.name = name + (".fifo" if is_fifo else "")
        self._is_fifo = is_fifo
        self.address = ("127.0.0.1", server.port)
        self.client = client_of("sqs", server.endpoint, *server.owner)
        self._sender = client_of("sqs", server.endpoint, *server.owner, tries_max=1)
        self._server = server
        self.create()

    def create(self):
        attributes = {"FifoQueue": "true"} if self._is_fifo else {}
        self.url = self.client.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]

    @property
    def arn(self):
        return self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def delete(self):
        self.client.delete_queue(QueueUrl=self.url)

    def pub_sub_at(self, host, port):
        access_key_id, secret_key = self._server.reader
        return {"type": "sqs", "workers": 1,
                "sqs": {"access_key_id": access_key_id, "secret_key": secret_key,
                        "default_region": REGION, "queue_name": self.name,
                        "endpoint": f"http://{host}:{port}"}}

    def produce(self, messages):
        """An attribute's value is a text, or what boto3 takes: {"DataType": …, "BinaryValue": …}."""
        ids, batch, batch_bytes = [], [], 0
        for message in messages:
            if len(batch) == BATCH_MAX or batch_bytes + len(message["body"]) > BATCH_BYTES_MAX:
                ids += self._send(batch)
                batch, batch_bytes = [], 0
            attributes = {
                name: value if isinstance(value, dict) else
                {"DataType": "String", "StringValue": value}
                for name, value in (message.get("attributes") or {}).items()}
            batch.append({"Id": str(len(batch)), "MessageBody": message["body"].decode(),
                          "MessageAttributes": attributes, **self._group_of(message)})
            batch_bytes += len(message["body"])
        return ids + self._send(batch)

    def _group_of(self, message):
        if not self._is_fifo:
            return {}
        return {"MessageGroupId": message["key"], "MessageDeduplicationId": uuid.uuid4().hex}

    def _send(self, batch):
        if not batch:
            return []
        answer = self._sender.send_message_batch(QueueUrl=self.url, Entries=batch)
        if answer.get("Failed"):
            raise RuntimeError(f"not sent: {answer['Failed']}")
        ids = {sent["Id"]: sent["MessageId"] for sent in answer["Successful"]}
        return [ids[one["Id"]] for one in batch]

    def left(self):
        attributes = self.client.get_queue_attributes(
            QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return sum(int(attributes[name]) for name in (
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"))


class SqsServer(base.Server):
    #: (access key id, secret key) of those who make queues and produce, and of those who read
    owner = reader = ("AKIDTEST", "secret")

    def __init__(self):
        self.folder = base.Folder("sqs")
        self.port, = base.free_ports(1)
        self._program = None
        self._queues = []

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def _start(self, command, env=None):
        self._program = base.Program(command, self.folder.path / "log.txt", env=env)
        self._program.wait_until(lambda: base.is_listening(self.port), type(self).__name__,
                                 timeout=120)

    def stop(self):
        if self._program is not None:
            self._program.stop()
            self._program = None

    def close(self):
        self.stop()
        self.folder.remove()

    def new_queue(self, is_fifo=False):
        self._queues.append(Queue(self, f"q-{uuid.uuid4().hex[:12]}", is_fifo))
        return self._queues[-1]


class Server(SqsServer):
    """ElasticMQ."""

    def __init__(self):
        super().__init__()
        self._class_path = install.java_packages("elasticmq", ELASTICMQ)
        self._left = {}

    def start(self):
        configuration = self.folder.path / "elasticmq.conf"
        configuration.write_text(_CONFIGURATION.format(port=self.port, folder=self.folder.path))
        self._start(["java", "-Xmx512m", f"-Dconfig.file={configuration}", "-cp",
                     self._class_path, "org.elasticmq.server.Main"])
        # It listens before it has read what it kept: first there are no queues, then empty ones.
        for queue in self._queues:
            base.wait_until(lambda queue=queue: self._is_whole(queue),
                            f"the messages of {queue.name}")

    def _is_whole(self, queue):
        try:
            return queue.left() >= self._left[queue.name]
        except queue.client.exceptions.ClientError:
            return False

    def stop(self):
        if self._program is not None:
            self._left = {queue.name: queue.left() for queue in self._queues}
        super().stop()
