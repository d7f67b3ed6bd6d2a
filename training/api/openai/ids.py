"""Ids as OpenAI's clients know them: a word for what it is, then the id's 32 digits."""

import re
from typing import ClassVar
from uuid import UUID

from django.urls import register_converter

DIGITS = "[0-9a-f]{32}"


class PrefixedId:
    """A path converter; `prefix` is the word."""

    prefix: ClassVar[str]
    regex = ""

    def __init_subclass__(cls) -> None:
        cls.regex = f"{cls.prefix}-{DIGITS}"

    def to_python(self, value: str) -> UUID:
        return UUID(value.removeprefix(f"{self.prefix}-"))

    def to_url(self, value: UUID | str) -> str:
        return value if isinstance(value, str) else self.spell(value)

    @classmethod
    def spell(cls, key: UUID) -> str:
        """The id as clients see it."""
        return f"{cls.prefix}-{key.hex}"

    @classmethod
    def read(cls, text: str) -> UUID | None:
        """The id that was spelt; None for anything else."""
        return cls().to_python(text) if re.fullmatch(cls.regex, text) else None


class FileId(PrefixedId):
    prefix = "file"


class JobId(PrefixedId):
    prefix = "ftjob"


class EventId(PrefixedId):
    prefix = "ftevent"


class CheckpointId(PrefixedId):
    prefix = "ftckpt"


def register() -> None:
    """Let addresses hold these ids."""
    register_converter(FileId, "file")
    register_converter(JobId, "ftjob")
