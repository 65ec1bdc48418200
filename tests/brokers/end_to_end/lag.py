"""The number of messages that wait at the broker, beside the state of the source and as a metric."""
import re

from case import BrokerCase
from gateway import PATIENCE_S

#: more than a consumer is handed before it asks
COUNT = 4000
#: convoyd asks twice a minute
ASKED_WITHIN_S = 60


class LagTest(BrokerCase):
    flags = ("--metrics-access", "anyone")

    def test_lag(self):
        endpoint = self.gateway.endpoint("e")
        self.queue.produce([self.message(endpoint) for _ in range(COUNT)])
        source = self.gateway.source(self.bench.pub_sub(self.queue))
        if not self.bench.tells_lag:
            worker = self.wait_until(lambda: self.worker_with(source, "lag_error"), "the reason")
            self.assertIn("does not tell", worker["lag_error"])
            self.assertIsNone(self.gateway.consumer(source)["lag"])
            self.assertIsNone(self.metric(source))
            return
        worker = self.wait_until(lambda: self.worker_with(source, "lag_at"), "the lag")
        self.assertIsNone(worker["lag_error"])
        self.assertGreater(worker["lag"], 0)
        self.assertLessEqual(worker["lag"], COUNT)
        self.wait_until(lambda: self.gateway.consumer(source)["accepted"] == COUNT, "the events",
                        2 * PATIENCE_S)
        self.wait_until(lambda: self.gateway.consumer(source)["lag"] == 0, "no more lag",
                        ASKED_WITHIN_S)
        self.assertEqual(self.metric(source), 0)
        self.table.add(f"lag: {worker['lag']}, then 0", messages=COUNT, events=COUNT,
                       seconds=self.seconds)

    def worker_with(self, source, field):
        worker, = self.gateway.consumer(source)["workers"]
        return worker if worker[field] else None

    def metric(self, source):
        text = self.gateway.metrics()
        found = re.search(rf'^convoy_consumer_lag{{.*source_id="{source}".*}} (\d+)$', text, re.M)
        return int(found[1]) if found else None
