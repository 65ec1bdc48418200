"""Attackers of the soak test, all in one process: each is a coroutine that goes on until it is killed.

Usage: attackers.py ADDRESS JSON, with the links and keys that soak.py has made and the names of the
"attacks" that are wanted.
"""
import asyncio
import json
import sys

SETTINGS = json.loads(sys.argv[2])
HOST, PORT = sys.argv[1].rsplit(":", 1)


async def connect():
    # A small window, so that what is not read stays with the server.
    return await asyncio.open_connection(HOST, int(PORT), limit=4096)


async def forever(pause, attack):
    while True:
        try:
            await asyncio.wait_for(attack(), 120)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(pause)


async def flood(head, piece, pause):
    """Sends `piece` again and again until the server has had enough."""
    reader, writer = await connect()
    try:
        writer.write(head)
        while not reader.at_eof():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
    finally:
        writer.close()


async def request(method, path, headers="", body=b"", rate=None):
    """One request; its answer is read whole, or `rate` bytes a second of it."""
    reader, writer = await connect()
    try:
        writer.write((f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}"
                      f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        await writer.drain()
        while await reader.read(rate or 65536):
            if rate:
                await asyncio.sleep(1)
    finally:
        writer.close()


async def idle():
    reader, writer = await connect()
    try:
        await reader.read(1)  # until it is closed to make room
    finally:
        writer.close()


async def main():
    link, key = SETTINGS["link"], SETTINGS["viewer"]
    viewer = f"Authorization: Bearer {key}\r\n"
    listing = f"/api/v1/projects/{SETTINGS['project']}/events?perPage=1000"
    chunked = (f"POST {link} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    forged = "X-Hub-Signature-256: sha256=" + "0" * 64 + "\r\nContent-Type: application/json\r\n"
    # By their names: how many at a time, the pause of each after one, and what it does.
    attacks = {
        "slow": (8, 0.5, lambda: request("GET", listing, viewer, rate=2000)),
        "heads": (2, 0.2, lambda: flood(b"GET / HTTP/1.1\r\n",
                                        b"X-Flood: " + b"x" * 500 + b"\r\n", 0.01)),
        "chunks": (2, 0.2, lambda: flood(chunked, b"1;" + b"e" * 200 + b"\r\nx\r\n", 0.01)),
        "trailers": (2, 0.2, lambda: flood(chunked + b"0\r\n", b"X-Trailer: x\r\n" * 20, 0.01)),
        "idle": (SETTINGS["idle"], 2.0, idle),
        "lists": (32, 1.0, lambda: request("GET", listing, viewer)),
        "forged": (4, 0.2, lambda: request("POST", SETTINGS["signed_link"], forged,
                                           b'{"forged":true}')),
        "foreign": (2, 1.0, lambda: request("POST", "/nowhere", "", b"x" * 200_000)),
        "large": (2, 5.0, lambda: request("POST", link, "", b"[" + b"1," * 4_000_000 + b"1]")),
    }
    await asyncio.gather(*(forever(pause, attack)
                           for name in SETTINGS["attacks"]
                           for count, pause, attack in [attacks[name]] for _ in range(count)))


asyncio.run(main())
