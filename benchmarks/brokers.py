"""Starts message brokers, fills them and prints one table: what the client library of each broker
reads alone, and what libconvoy reads, stores and acknowledges of the same messages. Called by
script/bench.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "brokers"), str(ROOT / "tests" / "integration")]
import host  # noqa: E402
from servers import install, kafka, pubsub, rabbitmq, sqs  # noqa: E402
from table import Table, describe_machine, say  # noqa: E402

MESSAGE_BYTES = 1024
#: of the messages, read by each before it is measured: a server on a JVM is slow at first
WARM_UP_SHARE = 0.25


@dataclasses.dataclass
class Broker:
    name: str
    client: str  # the library that reads alone
    server: type
    count: int  # of messages: as many as take some seconds

    @property
    def module(self):
        return self.server.__module__.rpartition(".")[2]


BROKERS = (
    Broker("Apache Kafka", "librdkafka", kafka.Server, 60_000),
    Broker("RabbitMQ", "librabbitmq", rabbitmq.Server, 40_000),
    Broker("Amazon SQS (ElasticMQ)", "AWS's for Go, 8 readers", sqs.Server, 4_000),
    Broker(f"Google Pub/Sub ({pubsub.Server.__name__})", "Google's for Go, 16 streams", pubsub.Server,
           20_000),
)
NOTES = """\
One envelope of 1 KiB a message, with an event type that one subscription wants: its delivery is
written with the event. No delivery is attempted, since the endpoint is paused.
  client alone  reads and acknowledges (Kafka: commits offsets) and does nothing else
  stored        one gateway with one worker: in its SQLite store, synchronous=FULL, acknowledged
  SQLite alone  inserts the same rows, 256 messages in a transaction
libconvoy reads Pub/Sub over HTTP, Google's client over gRPC."""


def message(number):
    envelope = {"event_type": "order.paid", "data": {"number": number, "text": ""}}
    room = MESSAGE_BYTES - len(json.dumps(envelope))
    envelope["data"]["text"] = "x" * room
    return {"body": json.dumps(envelope).encode(), "id": str(number),
            "attributes": {"x-convoy-message-type": "broadcast"}}


def filled_queue(server, count):
    queue = server.new_queue()
    begin = time.monotonic()
    queue.produce([message(number) for number in range(count)])
    say(f"  {count:,} messages produced in {time.monotonic() - begin:.1f} s")
    return queue


def run(command, pub_sub, server):
    environment = dict(os.environ)
    if hasattr(server, "grpc_port"):
        environment["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{server.grpc_port}"
    done = subprocess.run([str(word) for word in command], input=json.dumps(pub_sub), text=True,
                          check=True, stdout=subprocess.PIPE, env=environment)
    return json.loads(done.stdout)


def client_command(pub_sub, count):
    if pub_sub["type"] in ("kafka", "amqp"):
        return [host.binary("benchmark_broker"), "client", count]
    return [install.go_program("go_clients", ROOT / "benchmarks" / "go_clients"), count]


def read_with_client(server, count):
    pub_sub = filled_queue(server, count).pub_sub
    return run(client_command(pub_sub, count), pub_sub, server)


def store(server, count, folder):
    pub_sub = filled_queue(server, count).pub_sub
    return run([host.binary("benchmark_broker"), "stored", count, folder], pub_sub, server)


def bench(broker, table, folder):
    say(f"bench: {broker.name}: starting the server …")
    warm_up_count = int(broker.count * WARM_UP_SHARE)
    with broker.server() as server:
        read_with_client(server, warm_up_count)
        alone = read_with_client(server, broker.count)["per_s"]
        say(f"  {broker.client}: {alone:,.0f} messages/s")
        store(server, warm_up_count, folder)
        result = store(server, broker.count, folder)
    ours, bare = result["per_s"], result["bare_per_s"]
    say(f"  libconvoy: {ours:,.0f} messages/s; SQLite alone {bare:,.0f}/s")
    table.add(broker.name, f"{broker.count:,}", f"{MESSAGE_BYTES:,}",
              f"{alone:,.0f} ({broker.client})", f"{ours:,.0f}", f"{ours / alone:.0%}",
              f"{bare:,.0f}", f"{ours / bare:.0%}")


def main():
    names = sys.argv[2:]
    known = [broker.module for broker in BROKERS]
    if not set(names) <= set(known):
        sys.exit(f"brokers: there are {' '.join(known)}")
    table = Table("broker", "messages", "bytes", "client alone, a second", "stored", "of client",
                  "SQLite alone", "of SQLite")
    folder = tempfile.mkdtemp(prefix="bench-", dir=os.environ.get("CONVOY_BENCH_DIR", sys.argv[1]))
    failures = 0
    try:
        describe_machine(folder)
        for broker in BROKERS:
            if names and broker.module not in names:
                continue
            try:
                bench(broker, table, folder)
            except Exception as error:  # the other figures are still worth printing
                table.add(broker.name, "failed", str(error))
                failures += 1
        table.print()
        print("\n" + NOTES)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return failures


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
