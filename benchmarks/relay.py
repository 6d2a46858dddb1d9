"""`python -m benchmarks.relay HOST:PORT=TARGET …`: passes connections on, to HOST:PORT or to a Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable

PIECE = 1 << 16  # bytes


async def relay(pairs: list[tuple[str, str]]) -> None:
    servers = []
    for address, target in pairs:
        host, _, port = address.rpartition(":")
        servers.append(await asyncio.start_server(_passing(target), host, int(port)))
    await asyncio.gather(*(server.serve_forever() for server in servers))


def _passing(target: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if target.startswith("/"):
            there, back = await asyncio.open_unix_connection(target)
        else:
            host, _, port = target.rpartition(":")
            there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    return serve


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
    with contextlib.suppress(ConnectionError):
        sink.close()


if __name__ == "__main__":
    asyncio.run(relay([(one.partition("=")[0], one.partition("=")[2]) for one in sys.argv[1:]]))
