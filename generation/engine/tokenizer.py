"""Text to token ids and back: chat templates, special tokens kept out of users' hands, bytes."""

from __future__ import annotations

import json
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer as FastTokenizer

from generation.engine.types import EngineError, GenerationRequest, Message

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "assistant:"
)
BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Tokenizer:
    """One model's tokenizer, read from its folder without a hub."""

    def __init__(self, folder: Path) -> None:
        self.fast = FastTokenizer.from_file(str(folder / "tokenizer.json"))
        self.fast.no_padding()
        self.fast.no_truncation()
        # With this, "<|im_end|>" typed by a user is text like any other.
        self.fast.encode_special_tokens = True
        added = self.fast.get_added_tokens_decoder()
        self.special = {token.content: number for number, token in added.items() if token.special}
        self.config = read_config(folder)
        self.template = compile_template(folder, self.config)

    @property
    def size(self) -> int:
        return int(self.fast.get_vocab_size(with_added_tokens=True))

    @cached_property
    def pieces(self) -> list[bytes]:
        """Each token's bytes; a special token has none, so that it is never shown."""
        if not byte_level(self.fast):
            return [bytes_of_metaspace(name) for name in self.names]
        return all_bytes_of_level(self.names)

    @property
    def control_tokens(self) -> list[int]:
        """The tokens that hold a control character, such as a line break."""
        return [number for number, piece in enumerate(self.pieces) if piece and min(piece) < 0x20]

    @cached_property
    def names(self) -> list[str]:
        """Each token as the vocabulary spells it; special ones are left blank."""
        names = [""] * self.size
        for name, number in self.fast.get_vocab(with_added_tokens=True).items():
            names[number] = "" if name in self.special else name
        return names

    def encode(self, text: str) -> list[int]:
        """The ids of plain text; nothing in it can become a special token."""
        return list(self.fast.encode(text, add_special_tokens=False).ids)

    def encode_request(self, request: GenerationRequest) -> list[int]:
        if request.prompt:
            return self.encode(request.prompt)
        return self.encode_chat(request.messages)

    def encode_chat(self, messages: tuple[Message, ...]) -> list[int]:
        """The chat template's special tokens are special, those inside a message are not."""
        marks = [f"\ue000{secrets.token_hex(8)}\ue001" for _ in messages]
        turns = [{"role": m.role, "content": mark} for m, mark in zip(messages, marks, strict=True)]
        rendered = self.render(turns)
        if messages[0].role != "system":
            rendered = rendered.removeprefix(self.own_prompt)
        contents = dict(zip(marks, (message.content for message in messages), strict=True))
        ids: list[int] = []
        for part in split_special(rendered, self.special):
            if part in self.special:
                ids.append(self.special[part])
            else:
                ids += self.encode(fill(part, contents))
        return ids

    @cached_property
    def own_prompt(self) -> str:
        """The system message that the template adds of its own where a conversation has none.

        It speaks of who made the model, which nobody here asked for. Empty where there is none.
        """
        mark = "\ue000"
        before = self.render([{"role": "user", "content": mark}]).partition(mark)[0]
        first = next(iter(split_special(before, self.special)), "")
        if first not in self.special or before.count(first) < 2:
            return ""
        return before[: before.index(first, len(first))]

    def render(self, turns: list[dict[str, str]]) -> str:
        names = {
            key: value if isinstance(value, str) else (value or {}).get("content", "")
            for key, value in self.config.items()
            if key in ("bos_token", "eos_token", "unk_token", "pad_token")
        }
        try:
            return str(self.template.render(messages=turns, add_generation_prompt=True, **names))
        except TemplateError as error:
            detail = f"The model does not take messages in this order: {error}"
            raise EngineError("messages_refused", detail) from error


def read_config(folder: Path) -> dict[str, Any]:
    path = folder / "tokenizer_config.json"
    if not path.is_file():
        return {}
    config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return config


def compile_template(folder: Path, config: dict[str, Any]) -> Any:
    path = folder / "chat_template.jinja"
    text = path.read_text(encoding="utf-8") if path.is_file() else config.get("chat_template")
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(text or PLAIN_TEMPLATE)


def raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def split_special(text: str, special: dict[str, int]) -> list[str]:
    if not special:
        return [text]
    longest_first = sorted(special, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
    return [part for part in parts if part]


def fill(text: str, contents: dict[str, str]) -> str:
    return re.sub("\ue000[0-9a-f]{16}\ue001", lambda found: contents[found[0]], text)


def byte_level(fast: FastTokenizer) -> bool:
    return fast.decoder is not None and b"ByteLevel" in fast.decoder.__getstate__()


def byte_alphabet() -> dict[int, int]:
    """GPT-2's printable stand-ins for the 256 bytes, as a table for str.translate."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    moved = {256 + place: byte for place, byte in enumerate(others)}
    return {byte: byte for byte in plain} | moved


ALPHABET = byte_alphabet()
SEPARATOR = "\ue000"  # of a private use area


def all_bytes_of_level(names: list[str]) -> list[bytes]:
    """As bytes_of_level for each, but at once where all are spelt in its alphabet."""
    joined = SEPARATOR.join(names)
    usual = ALPHABET.keys() >= set(map(ord, set(joined) - {SEPARATOR}))
    if not usual or joined.count(SEPARATOR) != len(names) - 1:
        return [bytes_of_level(name) for name in names]
    return [piece.encode("latin-1") for piece in joined.translate(ALPHABET).split(SEPARATOR)]


def bytes_of_level(name: str) -> bytes:
    if ALPHABET.keys() >= set(map(ord, name)):
        return name.translate(ALPHABET).encode("latin-1")
    return name.encode()


def bytes_of_metaspace(name: str) -> bytes:
    if found := BYTE_TOKEN.fullmatch(name):
        return bytes([int(found[1], 16)])
    return name.replace("\u2581", " ").encode()
