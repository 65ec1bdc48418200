"""Orders handled in this process, each at least once: python3 orders.py DATABASE COUNT

Sends COUNT events to itself, those that it has not sent before, and ends when so many are handled.
Kill it and start it again: what was not handled comes again.
"""
import json
import sys
import threading

import convoy


def project_of(gateway):
    """The project, which is made the first time, with an endpoint in this process."""
    projects = gateway.call("GET", "/api/v1/projects")
    if projects:
        return projects[0]["uid"]
    made = gateway.call("POST", "/api/v1/projects", {"name": "shop", "type": "outgoing"})
    path = f"/api/v1/projects/{made['project']['uid']}"
    endpoint = gateway.call("POST", path + "/endpoints", {"name": "e", "url": "local:orders"})
    gateway.call("POST", path + "/subscriptions",
                 {"name": "s", "endpoint_id": endpoint["uid"],
                  "filter_config": {"event_types": ["order.*"]}})
    return made["project"]["uid"]


def main():
    database, count = sys.argv[1], int(sys.argv[2])
    config = convoy.Config({"storage.path": database, "local.names": "orders"})
    with convoy.Gateway(config) as gateway:
        gateway.start()
        project = project_of(gateway)
        left = threading.Semaphore(0)

        @gateway.on("orders")
        def handle(delivery):
            order = json.loads(delivery.body)
            if order["number"] < 0:
                raise convoy.Refuse("there is no such order")
            print(f"order {order['number']}, attempt {delivery.attempt_number}", flush=True)
            left.release()

        for number in range(count):
            receipt = gateway.ingest(project, "order.created",
                                     json.dumps({"number": number}).encode(),
                                     idempotency_key=f"order-{number}")
            if not receipt.is_duplicate:
                left.acquire()


if __name__ == "__main__":
    main()
