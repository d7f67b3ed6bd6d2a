"""The base model that adapters are made for, as the app that writes with it knows it."""

from collections.abc import Callable

from generation.engine.lora.base_model import BaseModel

Provider = Callable[[], BaseModel | None]


def nothing() -> None:
    """Nobody writes here, so there is nothing that an adapter could be for."""


_provider: Provider = nothing


def provide(provider: Provider) -> None:
    """Say who knows the base model: called once, when the app that writes is ready."""
    global _provider
    _provider = provider


def current() -> BaseModel | None:
    """The model that adapters are for now; None where it takes none.

    Raises Unavailable while the model is not there.
    """
    return _provider()
