"""Two convoyd read from one place while messages flow, and come and go: what one of them had reaches
the other one. With Kafka they are one group, whose partitions change hands."""
from breaks import Flow
from case import BrokerCase
from gateway import envelope

#: a commit that is left out is missed only if something was under way
TURNS = 3


class GroupsTest(BrokerCase):
    held_s_max = 31

    def setUp(self):
        super().setUp()
        self.queue = self.bench.new_queue_for_many()
        self.pub_sub = self.bench.pub_sub(self.queue)

    def start_flow(self):
        """Each message is sent once: two stores do not know of each other's idempotency keys."""
        self.flow = Flow(self, self.broadcast, repeats=False)
        self.addCleanup(self.flow.give_up)

    def audit_flow(self, case, *gateways):
        self.flow.stop()
        self.audit(case, self.flow.confirmed, *gateways, unconfirmed=self.flow.unconfirmed)

    @staticmethod
    def broadcast(number):
        """For whatever endpoint there is: it has another id in every store."""
        return {"body": envelope('{"number": %d}' % number, event_type="numbered"),
                "attributes": {"x-convoy-message-type": "broadcast"}, "id": f"m-{number}"}

    def wait_for_members(self, count):
        """Of the group, where there are groups."""
        self.wait_until(lambda: self.bench.members_count(self.queue) in (None, count),
                        f"{count} members of the group")

    def wait_for_more(self, *gateways):
        """Until each of these has read a good deal more."""
        def accepted(one):
            return one.consumer(one.source_id)["accepted"]
        for one, before in [(one, accepted(one)) for one in gateways]:
            self.wait_until(lambda one=one, before=before: accepted(one) >= before + 50,
                            "more messages")

    def start_reading(self, one):
        one.project.subscribe("s", {"uid": one.endpoint("e")}, event_types=["numbered"])
        one.source_id = one.source(self.pub_sub)

    def test_a_store_each(self):
        """One that goes in an orderly way has acknowledged what it has stored: the other one, which does
        not see that store, gets none of it."""
        first, second = self.gateway, self.new_gateway("second.db")
        self.start_flow()
        self.start_reading(first)
        self.wait_for_more(first)
        self.start_reading(second)
        self.wait_for_members(2)
        self.wait_for_more(first, second)
        for one, other in TURNS * ((second, first), (first, second)):
            self.assertIsNone(one.close())
            self.wait_for_members(1)
            self.wait_for_more(other)
            one.start()
            self.wait_for_members(2)
            self.wait_for_more(first, second)
        self.audit_flow("two gateways, a store each: join, leave", first, second)

    def test_one_store(self):
        """Messages that one gateway stored but did not acknowledge when it was killed are known to the other."""
        self.start_flow()
        self.start_reading(self.gateway)
        self.wait_for_more(self.gateway)
        self.start_second()
        self.assertEqual(self.second.stop(60), 0)
        self.wait_for_members(1)
        self.wait_for_more(self.gateway)
        self.start_second()
        for _ in range(2):
            self.gateway.kill()
            self.wait_for_members(1)  # it is missed by and by
            self.gateway.start()
            self.wait_for_members(2)
            self.wait_for_more(self.gateway)
        self.audit_flow("two gateways, one store: join, leave, kill")

    def start_second(self):
        self.second = self.gateway.new_process()
        self.addCleanup(self.second.kill)
        self.wait_for_members(2)
        self.wait_for_more(self.gateway)
