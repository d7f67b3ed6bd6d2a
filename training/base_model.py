"""The base model that adapters are made for, as the app that writes with it knows it."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from generation.engine.lora.base_model import BaseModel
from saas.errors import Unavailable

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


def known() -> BaseModel | None:
    """The same, and None also while the model is not there."""
    try:
        return current()
    except Unavailable:
        return None


def doubts(base_name: str, base: BaseModel | None) -> list[str]:
    """Warnings where an adapter names another base than the one that it is kept for.

    Its sizes fit, so it may be right all the same: a base has many names.
    """
    if base is None or not base_name or short(base_name) == short(base.name):
        return []
    text = _("It was made for “%(told)s”, and this base is “%(base)s”. Try it before it goes live.")
    return [text % {"told": base_name, "base": base.name}]


def short(name: str) -> str:
    """The last part of a model's name, as one compares it."""
    return name.rstrip("/").rpartition("/")[2].lower()
