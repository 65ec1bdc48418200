"""Message brokers from end to end: a real broker, produced to with its own ecosystem's client, a real
convoyd behind a network that can be broken, and a real receiver.

usage: test_end_to_end.py BROKER [arguments of unittest]

CONVOY_BROKER_KILLS sets the number of kills (default 50). Exit codes: verdict.py.
"""
import signal
import sys

import verdict
from benches import BENCHES
from breaks import BreaksTest
from case import BrokerCase
from groups import GroupsTest
from kills import KillsTest
from lag import LagTest
from moves import MovesTest
from places import PlacesTest
from poison import PoisonTest
from raw import RawTest
from states import StatesTest
from table import Table
from ways import WaysTest

from servers import base  # found by benches

CASES = (WaysTest, RawTest, PlacesTest, MovesTest, LagTest, KillsTest, BreaksTest, GroupsTest,
         PoisonTest, StatesTest)
__all__ = [case.__name__ for case in CASES]


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHES:
        sys.exit(f"{__doc__}\nBROKER is one of: {', '.join(BENCHES)}")
    broker = sys.argv.pop(1)
    BrokerCase.table = Table(broker)
    # So that the servers are stopped with us; unittest would take an exit for a failure and go on.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with base.started(BENCHES[broker]) as BrokerCase.bench:
            code = verdict.run_tests()
    except base.CouldNotStart as error:
        print(f"{verdict.COULD_NOT_START}: {broker} ({verdict.load()}): {error}", file=sys.stderr)
        sys.exit(verdict.EXIT_CODES[verdict.COULD_NOT_START])
    BrokerCase.table.print()
    sys.exit(code)


if __name__ == "__main__":
    main()
