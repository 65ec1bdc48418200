#!/usr/bin/env python3
"""Figures of the dashboard over a large database, for hand use: it takes minutes and gigabytes.

  ui_pages.py [EVENTS]   makes EVENTS (default 1,000,000) events with a delivery and an attempt each,
                         opens every page of the dashboard in Debian's chromium, and prints for each
                         how long its requests to the API take, beside the same with 1,000 events, and
                         how long after its last answer it is usable. Fails if that is more than
                         200 ms, or if a request takes so much longer than over few events that it
                         must read them all.

CONVOY_BIN_DIR names the folder of convoyd (default build/release/bin), CONVOY_BENCH_DIR where the
database is written, UI_WORK where the browser's client is installed (default build/ui).
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("CONVOY_BIN_DIR", str(ROOT / "build" / "release" / "bin"))
sys.path[:0] = [str(ROOT / "tests" / "integration"), str(ROOT / "tests" / "ui"), str(ROOT / "benchmarks")]
import host  # noqa: E402
import large_store  # noqa: E402

FEW = 1_000
ROUNDS = 5
USABLE_MS_MAX = 200
# A request may vary by so much; beyond it one over more events has to have read more of them.
NOISE_MS, NOISE_RATIO = 20, 4

# Watches from the page's beginning on: when its heading is there and nothing says that it loads.
WATCH = """
  window.usableAt = 0;
  const look = () => {
    const main = document.querySelector('main');
    const isUsable = main && main.querySelector('h1') && !main.innerText.includes('Loading…');
    if (!isUsable) window.usableAt = 0;
    else if (!window.usableAt) window.usableAt = performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
"""
# Milliseconds from the last answer before the page was usable until then.
LATE = """() => {
  const answers = performance.getEntriesByType('resource')
      .filter((e) => e.name.includes('/api/') && e.responseEnd <= window.usableAt);
  return window.usableAt - Math.max(0, ...answers.map((e) => e.responseEnd));
}"""


class Store:
    """convoyd over a database with so many events."""

    def __init__(self, folder, count):
        database = f"{folder}/{count}.db"
        self.key = host.bootstrap(database)
        convoyd = host.Convoyd(database)
        project = host.Project(convoyd.client(self.key), "large", "incoming")
        endpoint = project.endpoint("e", "http://127.0.0.1:9/")
        source = project.source("s")
        project.subscribe("s", endpoint, source)
        self.places = {"overview": "overview", "events": "events", "deliveries": "deliveries",
                       "endpoints": "endpoints", "one endpoint": f"endpoints/{endpoint['uid']}",
                       "sources": "sources", "one source": f"sources/{source['uid']}",
                       "presets": "presets", "subscriptions": "subscriptions",
                       "quarantine": "quarantine", "jobs": "jobs", "API keys": "keys",
                       "portal links": "portals", "settings": "settings"}
        convoyd.stop()
        start = time.monotonic()
        large_store.fill(database, project.id, endpoint["uid"], count, source["uid"])
        size = os.path.getsize(database) / 2**20
        print(f"{count:,} events, {size:,.0f} MiB, made in {time.monotonic() - start:.0f} s", flush=True)
        self.convoyd = host.Convoyd(database, "--ui")
        self.client = self.convoyd.client(self.key)
        self.project = project.path
        self.id = project.id
        event = self.client.ok("GET", f"{project.path}/events?perPage=1")["content"][0]["uid"]
        self.places["one event"] = f"events/{event}"
        # Filters of the pages: an event type that none has, and a status.
        self.places["events, none match"] = "events?event_type=none"
        self.places["deliveries, none match"] = "deliveries?status=Failure"

    def time(self, path):
        """Milliseconds of a request: the quickest of some, which other work on the machine disturbs
        least."""
        times = []
        for _ in range(ROUNDS):
            start = time.monotonic()
            answer = self.client.send("GET", path)
            times.append((time.monotonic() - start) * 1000)
            if answer.status != 200:
                raise SystemExit(f"GET {path} answered {answer}")
        return min(times)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()
        self.convoyd.kill()


class Browser:
    def __init__(self):
        from playwright.sync_api import expect, sync_playwright
        self._expect = expect
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"])

    def visit(self, store):
        """Each page of a store: {page: (paths that it asked for, ms after its data)}."""
        context = self._browser.new_context(locale="en-GB")
        context.add_init_script(WATCH)
        page = context.new_page()
        url = f"http://{store.convoyd.address}/ui/"
        page.goto(url)
        page.get_by_label("API key").fill(store.key)
        page.get_by_role("button", name="Log in").click()
        self._expect(page.get_by_role("link", name="large")).to_be_visible(timeout=60_000)
        seen = {}
        for name, place in store.places.items():
            paths = set()

            def on_request(request):
                if "/ui/api/" in request.url:
                    paths.add(request.url.split("/ui", 1)[1])

            page.goto("about:blank")
            page.on("request", on_request)
            page.goto(f"{url}#/p/{store.id}/{place}")
            page.wait_for_function("() => window.usableAt > 0 && performance.now() - window.usableAt > 500",
                                   timeout=60_000)
            seen[name] = (paths, page.evaluate(LATE))
            page.remove_listener("request", on_request)
        context.close()
        return seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._browser.close()
        self._playwright.stop()


def without_ids(path, store):
    """The path as it is in another store: ids of what each has one of are the same thing."""
    for place in store.places.values():
        kind, _, uid = place.partition("/")
        if uid:
            path = path.replace(uid, f"<{kind}>")
    return path.replace(store.id, "<project>")


def measure(folder, count):
    failures, times_few = [], {}
    with Browser() as browser:
        with Store(folder, FEW) as few:
            for paths, _ in browser.visit(few).values():
                times_few |= {without_ids(path, few): few.time(path) for path in paths}
        with Store(folder, count) as many:
            seen = browser.visit(many)
            print(f"\n{'page and its requests':72} {FEW:>9,} {count:>9,}  usable after (ms)")
            for name, (paths, late) in seen.items():
                failures += show(name, paths, late, many, times_few)
    return failures


def show(name, paths, late, store, times_few):
    """Prints a page; returns what is too slow about it."""
    failures = []
    print(f"{name:72} {'':9} {'':9} {late:9.0f}")
    if late > USABLE_MS_MAX:
        failures.append(f"{name} is usable {late:.0f} ms after its data")
    for path in sorted(paths):
        shown = without_ids(path, store)
        before, now = times_few.get(shown), store.time(path)
        known = f"{before:9.1f}" if before is not None else f"{'-':>9}"
        print(f"  {shown[:70]:70} {known} {now:9.1f}")
        if now > max(NOISE_MS, NOISE_RATIO * (before or 0)):
            failures.append(f"{name}: {shown} takes {now:.0f} ms")
    return failures


def main():
    if "--inside" not in sys.argv:
        import run  # of tests/ui
        work = pathlib.Path(os.environ.get("UI_WORK", ROOT / "build" / "ui"))
        work.mkdir(parents=True, exist_ok=True)
        raise SystemExit(subprocess.run([run.install(work), __file__, *sys.argv[1:], "--inside"]).returncode)
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    count = int(numbers[0]) if numbers else 1_000_000
    with tempfile.TemporaryDirectory(prefix="pages-", dir=os.environ.get("CONVOY_BENCH_DIR")) as folder:
        failures = measure(folder, count)
    for failure in failures:
        print("TOO SLOW:", failure)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
