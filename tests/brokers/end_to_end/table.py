"""The counts of the cases, in one table at the end."""
import sys

COLUMNS = ("broker", "case", "messages", "events", "delivered", "duplicates", "dead letters", "s")


class Table:
    def __init__(self, broker):
        self._broker = broker
        self._rows = [COLUMNS]

    def add(self, case, *, messages, events=0, delivered=0, duplicates=0, dead_letters=0, seconds):
        """`messages` that the broker confirmed; `events` that were accepted, `duplicates` that were
        recorded as such; `delivered`: requests that the receiver got."""
        self._rows.append((self._broker, case, messages, events, delivered, duplicates, dead_letters,
                           f"{seconds:.1f}"))

    def print(self):
        widths = [max(len(str(row[column])) for row in self._rows)
                  for column in range(len(COLUMNS))]
        for row in self._rows:
            cells = [str(cell).ljust(width) if column < 2 else str(cell).rjust(width)
                     for column, (cell, width) in enumerate(zip(row, widths))]
            print("  ".join(cells).rstrip(), file=sys.stderr)
