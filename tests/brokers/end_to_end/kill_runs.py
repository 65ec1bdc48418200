"""Many runs of the kills (kills.py), each on a queue and a store of its own, with a line for each.

usage: kill_runs.py BROKER RUNS KILLS

A line gives the messages that the broker confirmed, the events that were stored and the requests that the
receiver got; requests that a kill cut off are sent again. A run that is wrong is printed with the
broker's names of the messages that differ, and the others go on. Exit codes: verdict.py.
"""
import collections
import signal
import sys
import unittest

import verdict
from benches import BENCHES
from case import BrokerCase
from kills import KillsTest

from servers import base  # found by benches


class Figures:
    """Takes the place of the table: prints a run's figures as soon as they are there."""

    def __init__(self):
        self.sums = collections.Counter()
        self.run = 0

    def add(self, case, *, messages, events, delivered, duplicates, seconds):
        self.sums.update(messages=messages, events=events, delivered=delivered,
                         duplicates=duplicates)
        print(f"run {self.run}: in {messages}, stored {events}, requests {delivered}, "
              f"duplicates {duplicates}; {case}; {seconds:.0f} s, {verdict.load()}", flush=True)


class Runs:
    def __init__(self, broker, kills_count):
        self._broker = broker
        self._figures = BrokerCase.table = Figures()
        self._verdicts = collections.Counter()
        KillsTest.kills_count = kills_count

    def run(self, runs_count):
        """On one server, and on a new one after a failure."""
        while self._figures.run < runs_count:
            with base.started(BENCHES[self._broker]) as BrokerCase.bench:
                while self._figures.run < runs_count and self._run_once():
                    pass

    def _run_once(self):
        self._figures.run += 1
        result = verdict.Result(unittest.runner._WritelnDecorator(sys.stderr), True, 0)
        KillsTest("test_kills").run(result)
        self._verdicts[result.verdict] += 1
        for _, text in result.failures + result.errors:
            print(f"run {self._figures.run}: {result.verdict} ({verdict.load()})\n{text}", flush=True)
        return result.wasSuccessful()

    def print_sums(self):
        sums = self._figures.sums
        print(f"{self._broker}: {self._figures.run} runs of {KillsTest.kills_count} kills: " +
              ", ".join(f"{count} {name}" for name, count in self._verdicts.items()) +
              f"; of those that passed: in {sums['messages']} = stored {sums['events']}, "
              f"requests {sums['delivered']}, duplicates {sums['duplicates']}", flush=True)

    @property
    def exit_code(self):
        codes = [verdict.EXIT_CODES[one] for one in
                 (verdict.WRONG, verdict.TIMED_OUT, verdict.COULD_NOT_START) if self._verdicts[one]]
        return codes[0] if codes else 0


def main():
    arguments = sys.argv[1:]
    if len(arguments) != 3 or arguments[0] not in BENCHES:
        sys.exit(f"{__doc__}\nBROKER is one of: {', '.join(BENCHES)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers are stopped with us
    runs = Runs(arguments[0], int(arguments[2]))
    try:
        runs.run(int(arguments[1]))
    except base.CouldNotStart as error:
        print(f"{verdict.COULD_NOT_START}: {error}", flush=True)
        sys.exit(verdict.EXIT_CODES[verdict.COULD_NOT_START])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    finally:
        runs.print_sums()
    sys.exit(runs.exit_code)


if __name__ == "__main__":
    main()
