"""LoRA adapters on a server that speaks vLLM's dialect: which name a request asks for.

vLLM loads and forgets adapters at run time under names of the caller's choice:
https://docs.vllm.ai/en/latest/features/lora/ (VLLM_ALLOW_RUNTIME_LORA_UPDATING).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Protocol

import httpx

from generation.engine.lora.peft import CONFIG, WEIGHTS, Settings, is_that
from generation.engine.lora.tensors import FormatError
from generation.engine.openai_protocol import LONGEST_LINE, beginning
from generation.engine.types import AdapterRef, EngineError, GenerationRequest

LOADED_BEFORE = b"already been loaded"
LIST_LIVES_S = 60.0
LOAD_TIMEOUT_S = 120.0


def name_of(tenant: str, adapter: AdapterRef) -> str:
    """One name for one workspace, set of weights and version: a name never means two.

    Equal weights with other settings beside them are another adapter, so the version counts too.
    """
    owner, version = (short(text) for text in (f"tenant:{tenant}", f"version:{adapter.id}"))
    return f"lora-{owner}-{adapter.sha256[:32]}-{version}"


def short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Adapters(Protocol):
    """What a kind of server can do for requests that ask for an adapter."""

    swaps: int

    def acquire(self, request: GenerationRequest) -> AbstractAsyncContextManager[str | None]:
        """The adapter's name on the server, kept there inside the block; None for the base."""

    def lost(self, name: str) -> None:
        """The server no longer knows this name."""


class NoAdapters:
    """A server that writes with its own model alone."""

    swaps = 0

    @asynccontextmanager
    async def acquire(self, request: GenerationRequest) -> AsyncIterator[str | None]:
        yield None

    def lost(self, name: str) -> None:
        """There was none."""


class ListedAdapters:
    """Somebody else's server: only what it lists by itself is asked for, and nothing is sent."""

    swaps = 0

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.listed: frozenset[str] = frozenset()
        self.until = 0.0

    @asynccontextmanager
    async def acquire(self, request: GenerationRequest) -> AsyncIterator[str | None]:
        if request.adapter is None:
            yield None
            return
        name = name_of(request.tenant, request.adapter)
        yield name if name in await self._list() else None

    def lost(self, name: str) -> None:
        self.listed -= {name}

    async def _list(self) -> frozenset[str]:
        if monotonic() > self.until:
            self.until = monotonic() + LIST_LIVES_S
            self.listed = await self._asked()
        return self.listed

    async def _asked(self) -> frozenset[str]:
        async with self.client.stream("GET", "models") as response:
            text = await beginning(response, LONGEST_LINE)
        try:
            return frozenset(str(model["id"]) for model in json.loads(text)["data"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return frozenset()  # it lists nothing that we could ask for


@dataclass(slots=True)
class Slot:
    """An adapter on the server: how many requests use it, and whether it is to go."""

    users: int = 0
    leaving: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)


class LoadedAdapters:
    """Our own server: adapters come when they are asked for, the least recently used go.

    One goes only after the last request that uses it has ended; who asks for it meanwhile waits
    and has it loaded anew.
    """

    def __init__(self, client: httpx.AsyncClient, most: int) -> None:
        self.client = client
        self.most = most
        self.slots: OrderedDict[str, Slot] = OrderedDict()
        self.changing = asyncio.Lock()
        self.swaps = 0

    @asynccontextmanager
    async def acquire(self, request: GenerationRequest) -> AsyncIterator[str | None]:
        if request.adapter is None:
            yield None
            return
        name = name_of(request.tenant, request.adapter)
        slot = await self._taken(name, request.adapter)
        try:
            yield name
        finally:
            slot.users -= 1
            if not slot.users:
                slot.idle.set()

    def lost(self, name: str) -> None:
        """Another process has unloaded it, or the server began anew."""
        self.slots.pop(name, None)

    async def _taken(self, name: str, adapter: AdapterRef) -> Slot:
        slot = self.slots.get(name)
        if slot is None or slot.leaving:
            async with self.changing:
                slot = self.slots.get(name) or await self._loaded(name, adapter)
        slot.users += 1
        slot.idle.clear()
        self.slots.move_to_end(name)
        return slot

    async def _loaded(self, name: str, adapter: AdapterRef) -> Slot:
        while len(self.slots) >= self.most:
            await self._drop_one()
        await asyncio.to_thread(refuse_other_weights, adapter)
        body = {"lora_name": name, "lora_path": adapter.path}
        response = await self.client.post("load_lora_adapter", json=body, timeout=LOAD_TIMEOUT_S)
        if response.status_code != httpx.codes.OK and LOADED_BEFORE not in response.content:
            raise EngineError("adapter_not_available", "The model server cannot load the adapter.")
        self.swaps += 1
        self.slots[name] = Slot()
        return self.slots[name]

    async def _drop_one(self) -> None:
        """Unload the least recently used; one that rests before one that must be waited for."""
        resting = (name for name, slot in self.slots.items() if not slot.users)
        name = next(resting, None) or next(iter(self.slots))
        slot = self.slots[name]
        slot.leaving = True
        try:
            while slot.users:
                await slot.idle.wait()
            # Whether it still knew the name or not: afterwards it does not.
            await self.client.post("unload_lora_adapter", json={"lora_name": name})
            self.slots.pop(name, None)
        finally:
            slot.leaving = False


def refuse_other_weights(adapter: AdapterRef) -> None:
    """Raise unless the file's bytes are those that the request names."""
    try:
        with (Path(adapter.path) / WEIGHTS).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        settings = Settings.read((Path(adapter.path) / CONFIG).read_bytes())
    except OSError as error:
        raise EngineError("adapter_not_available", "The adapter is not there.") from error
    except FormatError as error:
        message = f"The adapter cannot be used: {error}."
        raise EngineError("adapter_invalid", message, reason=error.reason) from error
    if not is_that(adapter.sha256, found, settings):
        raise EngineError("adapter_invalid", "The adapter is not the one asked for.", reason="hash")


def adapters_of(kind: str, client: httpx.AsyncClient, most: int) -> Adapters:
    """The way of "none", "listed" or "loaded"."""
    if kind == "loaded":
        return LoadedAdapters(client, most)
    return ListedAdapters(client) if kind == "listed" else NoAdapters()
