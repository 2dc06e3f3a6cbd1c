"""Which of the first TCP ports of an address answer: scan.py ADDRESS, in a namespace of the lab."""

from __future__ import annotations

import asyncio
import sys

AT_ONCE = 300
PATIENCE = 3  # seconds
LAST_PORT = 8191


async def is_open(address: str, port: int, turns: asyncio.Semaphore) -> bool:
    """Tell whether a connection is taken."""
    async with turns:
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(address, port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True


async def main(address: str) -> None:
    """Try every port and print those that answer."""
    turns = asyncio.Semaphore(AT_ONCE)
    ports = range(1, LAST_PORT + 1)
    answers = await asyncio.gather(*(is_open(address, port, turns) for port in ports))
    print(*(port for port, answered in zip(ports, answers, strict=True) if answered))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
