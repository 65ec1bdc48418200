"""Message brokers from end to end: a real broker, produced to with its own ecosystem's client, a real
convoyd behind a network that can be broken, and a real receiver.

usage: test_end_to_end.py BROKER [arguments of unittest]

CONVOY_BROKER_KILLS sets the number of kills (default 50).
"""
import signal
import sys
import unittest

from benches import BENCHES
from breaks import BreaksTest
from case import BrokerCase
from groups import GroupsTest
from kills import KillsTest
from poison import PoisonTest
from raw import RawTest
from states import StatesTest
from table import Table
from ways import WaysTest

CASES = (WaysTest, RawTest, KillsTest, BreaksTest, GroupsTest, PoisonTest, StatesTest)
__all__ = [case.__name__ for case in CASES]


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHES:
        sys.exit(f"{__doc__}\nBROKER is one of: {', '.join(BENCHES)}")
    broker = sys.argv.pop(1)
    BrokerCase.table = Table(broker)
    # So that the servers are stopped with us; unittest would take an exit for a failure and go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with BENCHES[broker]() as BrokerCase.bench:
        program = unittest.main(exit=False, warnings="ignore")
    BrokerCase.table.print()
    sys.exit(not program.result.wasSuccessful())


if __name__ == "__main__":
    main()
