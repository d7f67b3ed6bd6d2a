"""Compiled grammars are kept, within a limit, and compiled beside the batch."""

import threading

import pytest

from generation.engine.grammar import WARM_UP, GrammarCache
from generation.engine.types import Grammar


@pytest.fixture
def cache():
    cache = GrammarCache(["a", "b", "<end>"], [2], vocab_size=3, limit=2)
    cache.compiled[WARM_UP].result()
    yield cache
    cache.close()


def test_an_equal_grammar_is_compiled_once(cache):
    assert cache.request(Grammar.regex("a+")) is cache.request(Grammar.regex("a+"))


def test_the_least_recently_used_is_thrown_out(cache):
    first, second, third = (Grammar.regex("a" * size) for size in (1, 2, 3))
    kept = cache.request(first)
    cache.request(second)
    cache.request(first)
    cache.request(third)
    assert list(cache.compiled) == [first, third]
    assert cache.request(first) is kept


def test_asking_does_not_wait_for_the_compiler(cache, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(cache, "compile", lambda grammar: go.wait(10))
    future = cache.request(Grammar.regex("b"))
    assert not future.done()
    go.set()
    assert future.result(10)


def test_a_broken_grammar_keeps_its_error(cache):
    assert cache.request(Grammar.ebnf("root ::= (")).exception(10) is not None
