"""Grammars through xgrammar: compiled aside and kept, their masks filled while the model runs."""

from __future__ import annotations

import json
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import xgrammar
from torch import Tensor
from xgrammar.structural_tag import GrammarFormat, StructuralTag, TagFormat, TriggeredTagsFormat

from generation.engine import calls
from generation.engine.grammar_sandbox import CallersGrammars
from generation.engine.types import Grammar

# Open whitespace lets a small model write blanks until its tokens run out.
SEPARATORS = (", ", ": ")
# Vocabularies with byte fallback spell every byte like this.
NEWLINE_BYTE = "<0x0A>"
KEPT_BYTES = 256 * 2**20
# Most of a compilation is the long strings in it, and their parts are shared by all grammars.
WARM_UP = Grammar.json_schema({"type": "string", "maxLength": 200})


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer's tokens, and what compiles grammars over them."""

    names: list[str]
    stop_ids: list[int]
    vocab_size: int

    @cached_property
    def info(self) -> xgrammar.TokenizerInfo:
        kind = xgrammar.VocabType.BYTE_LEVEL
        if NEWLINE_BYTE in self.names:
            kind = xgrammar.VocabType.BYTE_FALLBACK
        return xgrammar.TokenizerInfo(
            self.names, kind, vocab_size=self.vocab_size, stop_token_ids=self.stop_ids
        )

    @cached_property
    def compiler(self) -> xgrammar.GrammarCompiler:
        """Made by the thread that compiles first: the vocabulary takes a while to take in."""
        return xgrammar.GrammarCompiler(self.info, max_threads=1, cache_limit_bytes=KEPT_BYTES)

    def compiled(self, grammar: Grammar) -> xgrammar.CompiledGrammar:
        if grammar.kind == "json_schema":
            return self.compiler.compile_json_schema(
                grammar.source, any_whitespace=False, separators=SEPARATORS
            )
        if grammar.kind == "regex":
            return self.compiler.compile_regex(grammar.source)
        if grammar.kind == "choice":
            return self.compiler.compile_grammar(choice_rules(json.loads(grammar.source)))
        if grammar.kind == "calls":
            return self.compiler.compile_structural_tag(call_format(json.loads(grammar.source)))
        return self.compiler.compile_grammar(grammar.source)


class GrammarCache:
    """The compiled grammars of one tokenizer, the least recently used thrown out first.

    Our own are compiled here and shared by all; callers' are compiled elsewhere and kept apart.
    """

    def __init__(
        self, names: list[str], stop_ids: list[int], *, vocab_size: int, limit: int = 256
    ) -> None:
        self.vocabulary = Vocabulary(names, stop_ids, vocab_size)
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="grammar")
        self.limit = limit
        self.compiled: OrderedDict[Grammar, Future[xgrammar.CompiledGrammar]] = OrderedDict()
        self.callers = CallersGrammars(self.vocabulary)
        self.request(WARM_UP)

    def request(self, grammar: Grammar, tenant: str = "") -> Future[xgrammar.CompiledGrammar]:
        """Compiling takes up to seconds, so it runs beside the batch, never inside its step."""
        if grammar.foreign:
            return self.callers.request(tenant, grammar)
        if grammar not in self.compiled:
            self.compiled[grammar] = self.pool.submit(self.compile, grammar)
        self.compiled.move_to_end(grammar)
        while len(self.compiled) > self.limit:
            self.compiled.popitem(last=False)
        return self.compiled[grammar]

    def compile(self, grammar: Grammar) -> xgrammar.CompiledGrammar:
        return self.vocabulary.compiled(grammar)

    def close(self) -> None:
        self.callers.close()
        self.pool.shutdown(wait=False, cancel_futures=True)


def call_format(asked: dict[str, Any]) -> StructuralTag:
    """Any text with a call at its end, or where one must come the call alone."""
    tags = [
        TagFormat(begin=calls.opening(name), content=arguments_of(schema), end=f"}}{calls.END}")
        for name, schema in asked["functions"].items()
    ]
    return StructuralTag(
        format=TriggeredTagsFormat(
            triggers=[calls.BEGIN],
            tags=tags,
            at_least_one=asked["must_call"],
            stop_after_first=True,
        )
    )


def arguments_of(schema: dict[str, Any]) -> GrammarFormat:
    """The same rules as for JSON that stands alone, so that no blanks run on either."""
    rules = xgrammar.Grammar.from_json_schema(
        json.dumps(schema), any_whitespace=False, separators=SEPARATORS
    )
    return GrammarFormat(grammar=str(rules))


def choice_rules(options: list[str]) -> str:
    return "root ::= " + " | ".join(json.dumps(option, ensure_ascii=False) for option in options)


class Masks:
    """What grammars allow next, found out by a thread beside the step that leads there."""

    def __init__(self, vocab_size: int) -> None:
        self.vocab_size = vocab_size
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="masks")
        self.begun: Future[dict[str, Tensor]] | None = None

    def begin(self, matchers: dict[str, xgrammar.GrammarMatcher]) -> None:
        """By the sequences' ids; the matchers must stay as they are until the masks are taken."""
        self.begun = self.pool.submit(self.fill, matchers) if matchers else None

    def fill(self, matchers: dict[str, xgrammar.GrammarMatcher]) -> dict[str, Tensor]:
        """Bits (1, V / 32) for each sequence whose grammar forbids anything now."""
        bits = xgrammar.allocate_token_bitmask(len(matchers), self.vocab_size)
        return {
            name: bits[place : place + 1]
            for place, (name, matcher) in enumerate(matchers.items())
            if matcher.fill_next_token_bitmask(bits, place)
        }

    def of(self, name: str) -> Tensor | None:
        """The sequence's mask; None where all is allowed."""
        return self.begun.result().get(name) if self.begun is not None else None

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
