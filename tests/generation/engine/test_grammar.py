"""Compiled grammars are kept, within a limit, and compiled beside the batch."""

import threading

import pytest
import xgrammar

from generation.engine.grammar import WARM_UP, GrammarCache, Masks
from generation.engine.types import Grammar
from tests.generation.engine.toys import ask, finish


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


def test_a_mask_has_the_bits_of_what_may_come(cache):
    matcher = xgrammar.GrammarMatcher(cache.request(Grammar.regex("ab")).result(10))
    masks = Masks(3)
    masks.begin({"r": matcher})
    assert int(masks.of("r")) & 0b111 == 0b001
    assert matcher.accept_token(0)
    masks.begin({"r": matcher})
    assert int(masks.of("r")) & 0b111 == 0b010
    masks.begin({})
    assert masks.of("r") is None
    masks.close()


def test_masks_are_filled_while_the_step_runs(make_engine, monkeypatch):
    engine, forward, done = make_engine(), None, []

    def watched(batch):
        masks = engine.logits_processor.masks.begun
        if masks is not None:
            masks.result(10)  # another thread's work: it ends although this one is in the step
            done.append(len(masks.result()))
        return forward(batch)

    forward = engine.model.forward
    monkeypatch.setattr(engine.model, "forward", watched)
    request = ask(grammar=Grammar.choice(["hat", "cat"]), max_tokens=8)
    assert finish(engine, request).text in ("hat", "cat")
    assert sum(done) >= 3
