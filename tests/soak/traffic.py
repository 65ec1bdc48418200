"""Traffic of the test with three hosts, as coroutines: requests to whichever host answers, and a
receiver that keeps when what arrived."""
import asyncio
import json
import time


class Receiver:
    """Answers 200 to everything; keeps (seconds, key) of each arrival by path."""

    def __init__(self):
        self.arrivals = {}

    async def serve(self, address, port):
        return await asyncio.start_server(self._talk, address, port, backlog=512)

    async def _talk(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                path = lines[0].split(" ")[1]
                size = next(int(line.split(":")[1]) for line in lines
                            if line.lower().startswith("content-length:"))
                body = await reader.readexactly(size)
                self.arrivals.setdefault(path, []).append(
                    (time.monotonic(), json.loads(body)["key"]))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # a host that was killed, or the end
        finally:
            writer.close()

    def keys(self, path):
        return {key for _, key in self.arrivals.get(path, [])}

    def first_arrivals(self, path):
        seen = set()
        return [key for _, key in self.arrivals.get(path, []) if not (key in seen or seen.add(key))]

    def most_within(self, path, seconds):
        """The greatest number of arrivals in any window of that length."""
        times = [at for at, _ in self.arrivals.get(path, [])]
        most, begin = 0, 0
        for end, at in enumerate(times):
            while at - times[begin] >= seconds:
                begin += 1
            most = max(most, end - begin + 1)
        return most


class Client:
    """Connections to each host, kept while they work. One request at a time."""

    def __init__(self):
        self._open = {}

    async def request(self, address, method, path, body=b"", headers=(), timeout=3):
        """The status and the body; a status of 0 if there was no answer in time."""
        try:
            return await asyncio.wait_for(self._exchange(address, method, path, body, headers),
                                          timeout)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError):
            self._drop(address)
            return 0, b""

    def _drop(self, address):
        if address in self._open:
            self._open.pop(address)[1].close()

    async def _exchange(self, address, method, path, body, headers):
        if address not in self._open:
            host, port = address.split(":")
            self._open[address] = await asyncio.open_connection(host, int(port))
        reader, writer = self._open[address]
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", f"Content-Length: {len(body)}",
                 "Content-Type: application/json", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        size = next((int(line.split(":")[1]) for line in head.split("\r\n")
                     if line.startswith("content-length:")), 0)
        answer = await reader.readexactly(size)
        if "connection: close" in head:
            self._drop(address)
        return int(head.split(" ")[1]), answer


class Sender:
    """Sends numbered events to the hosts in turn, `per_s` a second, until it is stopped. An event whose
    answer did not come may have been stored: it goes out again under its key, to another host."""

    def __init__(self, name, path, hosts, per_s, repeats=0):
        self.name, self.accepted, self.tries, self.repeated = name, [], 0, 0
        self._path, self._hosts, self._pause = path, hosts, 1 / per_s
        self._repeats = repeats
        self.is_stopping = False

    async def _send(self, client, key, first_host):
        body = json.dumps({"key": key}).encode()
        for attempt in range(2000):
            address = self._hosts[(first_host + attempt) % len(self._hosts)].address
            self.tries += 1
            status, _ = await client.request(address, "POST", self._path, body,
                                             [f"X-Key: {key}"])
            if status // 100 == 2:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"event {key} was never accepted")

    async def run(self):
        client, number, due = Client(), 0, time.monotonic()
        while not self.is_stopping:
            number += 1
            key = f"{self.name}-{number}"
            await self._send(client, key, number)
            self.accepted.append(key)
            if self._repeats and number % self._repeats == 0:
                await self._send(client, key, number + 1)  # on another host
                self.repeated += 1
            due = max(due + self._pause, time.monotonic() - 1)
            await asyncio.sleep(max(0, due - time.monotonic()))
