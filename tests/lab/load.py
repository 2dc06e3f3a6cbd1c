"""Constant load on one URL: new connections at a fixed rate, and what became of each request.

Run as a program in a namespace of the lab; it says `asking`, asks until its standard input ends,
waits for the answers that are still due, and prints one JSON object per request. A request that
hangs takes nothing from the rate: each has a task and a connection of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    `at` is when it was due and `seconds` how long it took from then on. `error` is empty for a 200
    with the whole body, which is `body`.
    """

    at: float
    seconds: float
    error: str
    body: str = ""


async def ask(address: str, port: int, path: str, at: float) -> Answer:
    """Ask once on a connection of its own; anything but a whole 200 in time is an error."""
    error, body = "", ""
    try:
        async with asyncio.timeout(PATIENCE):
            body = await _exchange(address, port, path)
    except TimeoutError:
        error = f"no answer in {PATIENCE:.0f} seconds"
    except (OSError, ValueError, asyncio.IncompleteReadError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    return Answer(at, time.time() - at, error, body)


async def _exchange(address: str, port: int, path: str) -> str:
    """Return the body of a 200; ValueError with the status line of anything else."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read(-1)).decode().partition("\r\n\r\n")
    finally:
        writer.close()
    status, *headers = head.split("\r\n")
    if status.split(" ")[1:2] != ["200"]:
        raise ValueError(status or "the connection was closed without an answer")
    lengths = [int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length:")]
    if lengths != [len(body.encode())]:
        raise ValueError(f"{len(body.encode())} bytes of a body of {lengths}")
    return body


async def main(address: str, port: int, path: str, rate: float) -> None:
    """Ask at the rate, in requests a second, until standard input ends."""
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    requests: list[asyncio.Task[Answer]] = []
    print("asking", flush=True)
    start = time.time()
    while not end.done():
        due = start + len(requests) / rate
        await asyncio.sleep(max(0.0, due - time.time()))
        requests.append(asyncio.create_task(ask(address, port, path, due)))
    for answer in await asyncio.gather(*requests):
        print(json.dumps(asdict(answer)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])))
