"""A proxy before a server that can be away or hang, for tests of what happens then."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Faulty:
    """What connects to `port` reaches the server at `target`: a socket's path, or host and port."""

    target: str | tuple[str, int]
    port: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None

    def come(self) -> None:
        """Take connections, and let bytes through."""
        self._call(self._come())

    def go(self) -> None:
        """Cut all connections and refuse new ones."""
        self._call(self._go())

    def end(self) -> None:
        self._call(self._end())

    def hang(self) -> None:
        """Take connections, and let nothing through."""
        self.loop.call_soon_threadsafe(self.flows.clear)

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _come(self) -> None:
        self.flows.set()
        if self.server is None:
            self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self.server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        """Nothing of it is left, and no task that nobody waits for."""
        await self._go()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _go(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        await self.flows.wait()
        try:
            there = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        self.writers.add(there[1])
        await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))

    async def _connect(self) -> Streams:
        if isinstance(self.target, str):
            return await asyncio.open_unix_connection(self.target)
        return await asyncio.open_connection(*self.target)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self.flows.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
        self.writers.discard(writer)


@contextlib.contextmanager
def faulty(target: str | tuple[str, int]) -> Iterator[Faulty]:
    """A proxy that lets everything through, until the block ends."""
    made = Faulty(target)
    thread = threading.Thread(target=made.loop.run_forever, daemon=True)
    thread.start()
    made.come()
    try:
        yield made
    finally:
        made.end()
        made.loop.call_soon_threadsafe(made.loop.stop)
        thread.join(10)


@contextlib.contextmanager
def faulty_postgres(url: str) -> Iterator[tuple[Faulty, str]]:
    """A proxy before the Postgres of this URL, and the URL that goes through it."""
    parts = urlsplit(url)
    folder = dict(parse_qsl(parts.query)).get("host")
    direct = (parts.hostname or "127.0.0.1", parts.port or 5432)
    with faulty(f"{folder}/.s.PGSQL.5432" if folder else direct) as proxy:
        login = f"{parts.username}:{parts.password}" if parts.password else parts.username
        through = parts._replace(netloc=f"{login}@127.0.0.1:{proxy.port}", query="")
        yield proxy, urlunsplit(through)


@contextlib.contextmanager
def faulty_redis(url: str) -> Iterator[tuple[Faulty, str]]:
    """A proxy before the Redis of this URL, and the URL that goes through it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        number = dict(parse_qsl(parts.query)).get("db", "0")
        with faulty(unquote(parts.path)) as proxy:
            yield proxy, f"redis://127.0.0.1:{proxy.port}/{number}"
        return
    with faulty((parts.hostname or "127.0.0.1", parts.port or 6379)) as proxy:
        login, at, _ = parts.netloc.rpartition("@")
        yield proxy, urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{proxy.port}"))
