"""Callers' grammars: a hostile one costs its sender alone, in time, in memory and in the cache."""

import threading
import time

import pytest
import xgrammar

from generation.engine import grammar_sandbox
from generation.engine.grammar import GrammarCache
from generation.engine.grammar_sandbox import KEPT, CallersGrammars, too_much
from generation.engine.types import EngineError, Grammar
from tests.generation.engine.toys import ask, finish

NAMES = [chr(code) for code in range(97, 123)] + ["<end>"]
# Keeps the compiler busy for minutes.
HOSTILE = "|".join(f"(.{{0,{n}}}x)" for n in range(1, 400))


def foreign(pattern):
    return Grammar("regex", pattern, foreign=True)


@pytest.fixture(scope="module")
def cache():
    cache = GrammarCache(NAMES, [26], vocab_size=27)
    yield cache
    cache.close()


def test_a_callers_grammar_means_what_ours_means(cache):
    theirs = cache.request(foreign("ab+"), "acme").result(60)
    ours = cache.request(Grammar.regex("ab+")).result(60)
    for compiled in (theirs, ours):
        matcher = xgrammar.GrammarMatcher(compiled)
        assert [matcher.accept_token(token) for token in (0, 1, 1, 26)] == [True] * 4


def test_what_is_no_grammar_is_said_in_the_compilers_words(cache):
    error = cache.request(foreign("(["), "acme").exception(60)
    assert isinstance(error, EngineError)
    assert error.code == "grammar_invalid"
    assert "too long" not in error.message


def longest_pause(until):
    """The longest time for which this interpreter stood still until the future was done."""
    worst, last = 0.0, time.monotonic()
    while not until.done():
        time.sleep(0.002)
        now = time.monotonic()
        worst, last = max(worst, now - last), now
    return worst


def test_a_hostile_pattern_stops_nobody_and_ends_within_its_budget(cache):
    cache.request(foreign("a"), "acme").result(60)
    began = time.monotonic()
    hostile = cache.request(foreign(HOSTILE), "evil")
    other = cache.request(foreign("b"), "acme")
    assert other.result(30) is not None
    assert not hostile.done(), "the other one did not wait for it"
    pause = longest_pause(hostile)
    assert hostile.exception().message == too_much().message
    print(f"\nhostile: {time.monotonic() - began:.1f} s, longest pause {pause * 1000:.0f} ms")
    assert pause < 0.5


def test_what_was_refused_is_refused_at_once_the_next_time(cache):
    first = cache.request(foreign("(["), "acme")
    first.exception(60)
    assert cache.request(foreign("(["), "acme") is first


class Gate:
    """Stands for the sandbox: each grammar is compiled when it is told so."""

    def __init__(self):
        self.began, self.go = [], threading.Event()

    def compile(self, grammar):
        self.began.append(grammar.source)
        assert self.go.wait(20)
        return grammar.source

    def close(self):
        self.go.set()


@pytest.fixture
def line():
    grammars = CallersGrammars(None)
    grammars.sandbox = Gate()
    yield grammars
    grammars.close()


def soon(condition):
    ends = time.monotonic() + 10
    while not condition() and time.monotonic() < ends:
        time.sleep(0.005)
    assert condition()


def test_one_at_a_time_of_each_tenant_so_that_the_next_one_finds_a_place(line):
    flood = [line.request("evil", foreign(f"a{n}")) for n in range(10)]
    other = line.request("acme", foreign("b"))
    soon(lambda: len(line.sandbox.began) == 2)
    assert sorted(line.sandbox.began) == ["a0", "b"]
    line.sandbox.go.set()
    assert other.result(10) == "b"
    assert [each.result(10) for each in flood] == [f"a{n}" for n in range(10)]


def test_a_tenant_has_so_many_waiting_and_no_more(line, monkeypatch):
    monkeypatch.setattr(grammar_sandbox, "WAITING", 2)
    found = [line.request("evil", foreign(f"a{n}")) for n in range(4)]
    assert found[-1].done()
    assert found[-1].exception().code == "grammar_invalid"
    assert not line.request("acme", foreign("b")).done()


def test_a_tenants_grammars_throw_out_nobody_elses(line):
    line.sandbox.go.set()
    kept = line.request("acme", foreign("mine"))
    for n in range(KEPT + 5):
        line.request("evil", foreign(f"a{n}")).result(10)
    assert line.request("acme", foreign("mine")) is kept
    assert len(line.kept["evil"]) == KEPT


def test_equal_grammars_of_two_tenants_are_not_shared(line):
    assert line.request("a", foreign("x")) is not line.request("b", foreign("x"))


def test_the_template_is_made_anew_when_somebody_ended_it(cache):
    cache.request(foreign("a"), "acme").result(60)
    template = cache.callers.sandbox.process
    template.kill()
    template.wait()
    found = [cache.request(foreign(f"b{n}"), "acme").exception(60) for n in "xyz"]
    assert found[-1] is None


def test_the_engine_writes_for_others_while_a_hostile_one_is_compiled(make_engine):
    engine = make_engine()
    finish(engine, ask(grammar=foreign("[a-c]{1,4}"), max_tokens=8))
    hostile = ask(id="evil", tenant="evil", grammar=foreign(HOSTILE))
    plain = ask(id="plain", tenant="acme", max_tokens=40)
    engine.submit(hostile)
    engine.submit(plain)
    began = time.monotonic()
    ended = {}
    while engine.busy:
        for event in engine.step():
            ended.setdefault(event.request_id, []).append((time.monotonic(), event))
    assert ended["evil"][-1][1].code == "grammar_invalid"
    assert ended["plain"][-1][0] < ended["evil"][-1][0]
    print(f"\nplain ended after {ended['plain'][-1][0] - began:.2f} s")
