"""HTTP/2 with endpoints: the requests that a real server reads are the attempts that are recorded,
whatever the server does with their streams and connections."""
import pathlib
import subprocess
import time
import unittest

import host
from case import HostCase

TRANSPORT = pathlib.Path(__file__).resolve().parents[1] / "unit" / "transport"
CERTIFICATES = TRANSPORT / "certificates"
EVENTS = 4
# Path -> what becomes of a delivery, and the status that its attempts have.
ENDS = {
    "/ok": ("Success", "200"),
    "/goaway-after": ("Success", "200"),
    "/misdirected": ("Failure", "421"),
    "/refuse": ("Failure", None),
    "/refuse-after-body": ("Failure", None),
    "/http11": ("Failure", None),
    "/goaway": ("Failure", None),
    "/break": ("Failure", None),
}


class Receiver:
    """http2_receiver.py as a process."""

    def __init__(self):
        # The package h2 is Debian's.
        self.process = subprocess.Popen(
            ["/usr/bin/python3", TRANSPORT / "http2_receiver.py", CERTIFICATES / "numeric.crt",
             CERTIFICATES / "numeric.key"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def heads(self):
        """How many heads of requests it has read: asked with curl, which is not counted."""
        return int(subprocess.run(
            ["curl", "-s", "--http2", "--cacert", CERTIFICATES / "authority.crt", "-d", "x",
             f"https://127.0.0.1:{self.port}/counts"],
            check=True, capture_output=True, timeout=30).stdout.split()[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Http2Test(HostCase):
    flags = ("--ca-file", str(CERTIFICATES / "authority.crt"))

    def deliver(self, path, mode):
        """Sends events, one after the other; returns the deliveries' attempts and the heads read."""
        receiver = Receiver()
        self.addCleanup(receiver.close)
        project = host.Project(self.admin, f"{path} {mode}", "outgoing",
                               strategy={"type": "linear", "duration": 1, "retry_count": 2})
        endpoint = project.endpoint("e", f"https://127.0.0.1:{receiver.port}{path}")
        project.subscribe("s", endpoint, delivery_mode=mode)
        for number in range(EVENTS):
            project.ok("POST", "/events", {"endpoint_id": endpoint["uid"], "event_type": "t",
                                           "data": {"n": number, "filler": "f" * 20_000}})
            if ENDS[path][0] == "Success":
                # A request that meets a GOAWAY on its way is an attempt that no server has read.
                project.wait_for_deliveries(number + 1, timeout=30)
                time.sleep(0.2)
        deliveries = project.wait_for_deliveries(EVENTS, ENDS[path][0], timeout=90)
        return [project.attempts(d["uid"]) for d in deliveries], receiver.heads()

    def test_requests_read_are_attempts_recorded(self):
        for mode in ("at_least_once", "at_most_once"):
            for path, (_, status) in ENDS.items():
                with self.subTest(path=path, mode=mode):
                    attempts, heads = self.deliver(path, mode)
                    count = sum(len(each) for each in attempts)
                    print(f"{path:20} {mode:14} attempts {count} requests read {heads} "
                          f"{attempts[0][0].get('error', '')[:70]}")
                    self.assertEqual(heads, count)
                    for attempt in (a for each in attempts for a in each):
                        self.assertEqual(attempt.get("http_status"), status)


if __name__ == "__main__":
    unittest.main()
