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


class Client:
    """One that keeps its connection, and asks again on it."""

    def __init__(self, address: str, port: int, path: str) -> None:
        self._place = (address, port)
        self._request = f"GET {path} HTTP/1.1\r\nHost: load\r\n\r\n".encode()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, at: float) -> Answer:
        """Ask once, on the connection that is there, if it is still open."""
        error, body = "", ""
        try:
            async with asyncio.timeout(PATIENCE):
                body = await self._exchange()
        except TimeoutError:
            error = f"no answer in {PATIENCE:.0f} seconds"
        except (OSError, ValueError, asyncio.IncompleteReadError) as problem:
            error = f"{type(problem).__name__}: {problem}"
        if error:
            self._reader = None
        return Answer(at, time.time() - at, error, body)

    async def _exchange(self) -> str:
        if self._reader is None or self._writer is None or self._reader.at_eof():
            self._reader, self._writer = await asyncio.open_connection(*self._place)
        self._writer.write(self._request)
        status, *headers = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {name.lower(): value for name, _, value in (h.partition(": ") for h in headers)}
        body = await self._reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self._reader = None
        if status.split(" ")[1:2] != ["200"]:
            raise ValueError(status)
        return body.decode()


async def ask_for_ever(
    ends: asyncio.Future[str], client: Client, first: float, every: float
) -> list[Answer]:
    """Ask at a pace of one's own until the end."""
    answers: list[Answer] = []
    while not ends.done():
        due = first + len(answers) * every
        await asyncio.sleep(max(0.0, due - time.time()))
        answers.append(await client.ask(due))
    return answers


async def main(address: str, port: int, path: str, rate: float, clients: int) -> None:
    """Ask at the rate, in requests a second, until standard input ends.

    + clients: how many keep their connections; with none each request has one of its own
    """
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print("asking", flush=True)
    start = time.time()
    answers: list[Answer] = []
    if clients:
        keepers = [
            ask_for_ever(end, Client(address, port, path), start + n / rate, clients / rate)
            for n in range(clients)
        ]
        answers = [answer for part in await asyncio.gather(*keepers) for answer in part]
    else:
        requests: list[asyncio.Task[Answer]] = []
        while not end.done():
            due = start + len(requests) / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            requests.append(asyncio.create_task(ask(address, port, path, due)))
        answers = list(await asyncio.gather(*requests))
    for answer in sorted(answers, key=lambda answer: answer.at):
        print(json.dumps(asdict(answer)))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(
        main(arguments[0], int(arguments[1]), arguments[2], float(arguments[3]), int(arguments[4]))
    )
