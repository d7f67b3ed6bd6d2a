"""Adapters on a vLLM server: named by owner and weights, drained before they go, never mixed up."""

import hashlib
import json
import random
import time

import pytest

from generation.engine import load
from generation.engine.remote import name_of
from generation.engine.types import AdapterRef, Failed, Finished
from tests.generation.engine.toys import ask
from tests.support.model_server import LoraServer, model_server


@pytest.fixture
def server():
    with model_server(LoraServer()) as made:
        yield made


@pytest.fixture
def connect(server):
    """Engines over the server; each stands for a worker process."""
    engines = []

    def make(**options):
        given = {"dialect": "vllm", "most_adapters": 2, "timeout": 20.0, **options}
        engines.append(load("openai", base_url=server.url, model="base", **given))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def adapter(tmp_path):
    """Makes an adapter of given bytes."""

    def make(content):
        folder = tmp_path / content
        folder.mkdir(exist_ok=True)
        (folder / "adapter_model.safetensors").write_bytes(content.encode())
        (folder / "adapter_config.json").write_text(
            json.dumps({"peft_type": "LORA", "r": 4, "lora_alpha": 8})
        )
        return AdapterRef("voice", str(folder), hashlib.sha256(content.encode()).hexdigest())

    return make


def ended(engine, requests, cancel=()):
    """The last event of each request."""
    last = {}
    for request in requests:
        engine.submit(request)
    for name in cancel:
        engine.cancel(name)
    while engine.busy:
        last |= {e.request_id: e for e in engine.step() if isinstance(e, Finished | Failed)}
    return last


def asking(tenant, adapter, number=0):
    return ask(f"prompt of {tenant}", id=f"{tenant}-{number}", tenant=tenant, adapter=adapter)


def assert_in_order(diary):
    """Nobody was served by a name that was not there, and no name changed while it was in use."""
    loaded, under_way = set(), []
    for what, name in diary:
        if what == "load":
            assert name not in under_way
            loaded.add(name)
        elif what == "unload":
            assert name not in under_way
            loaded.discard(name)
        elif what == "begin":
            assert name in loaded | {"base"}
            under_way.append(name)
        elif what == "end":
            under_way.remove(name)
        else:
            pytest.fail(f"{name} was asked for and not there")


def test_a_name_means_one_owner_and_one_set_of_weights(adapter):
    one, two = adapter("one"), adapter("two")
    names = {name_of(tenant, each) for tenant in ("a", "b") for each in (one, two)}
    assert len(names) == 4
    assert name_of("a", one) == name_of("a", AdapterRef(one.id, "/elsewhere", one.sha256))
    assert name_of("a", one) != name_of("a", AdapterRef("version 2", one.path, one.sha256))


def test_an_adapter_is_loaded_once_acquired_and_verified(connect, server, adapter):
    voice = adapter("one")
    engine = connect()
    last = ended(engine, [asking("a", voice, n) for n in range(4)])
    name = name_of("a", voice)
    assert {event.adapter_sha256 for event in last.values()} == {voice.sha256}
    assert server.loaded == {name: voice.path}
    assert server.diary.count(("load", name)) == 1
    assert {call.body["model"] for call in server.asked()} == {name}
    assert engine.stats().adapter_swaps == 1


def test_the_base_is_asked_for_where_there_is_no_adapter(connect, server):
    event = ended(connect(), [ask(id="r")])["r"]
    assert (event.adapter_sha256, server.diary[0]) == (None, ("begin", "base"))


def test_new_weights_get_a_new_name_while_the_old_ones_end(connect, server, adapter):
    server.pause_s = 0.05
    old, new = adapter("one"), adapter("two")
    last = ended(connect(), [asking("a", old, 1), asking("a", new, 2), asking("a", old, 3)])
    assert [last[f"a-{n}"].adapter_sha256 for n in (1, 2, 3)] == [
        old.sha256,
        new.sha256,
        old.sha256,
    ]
    assert_in_order(server.diary)


def test_the_least_recently_used_goes_after_its_last_request_has_ended(connect, server, adapter):
    server.pause_s = 0.03
    voices = [adapter(str(n)) for n in range(5)]
    requests = [asking("a", voice, n) for n, voice in enumerate(voices)]
    last = ended(connect(), requests)
    for n, voice in enumerate(voices):
        assert last[f"a-{n}"].adapter_sha256 == voice.sha256
    assert_in_order(server.diary)
    assert len(server.loaded) == 2


def test_racing_requests_of_many_workspaces_never_meet_the_wrong_weights(connect, server, adapter):
    """Six adapters and two places: everything in order, and each with its own."""
    dice = random.Random(7)
    server.pause_s = 0.002
    voices = [adapter(str(n)) for n in range(3)]
    requests = [asking(dice.choice("ab"), dice.choice(voices), n) for n in range(120)]
    last = ended(connect(rows=200), requests)
    for request in requests:
        assert last[request.id].adapter_sha256 == request.adapter.sha256
    wanted = {request.tenant: set() for request in requests}
    for request in requests:
        wanted[request.tenant].add(name_of(request.tenant, request.adapter))
    for call in server.asked():
        assert call.body["model"] in wanted[call.prompt.removeprefix("prompt of ")]
    assert_in_order(server.diary)


def test_two_workers_may_load_the_same(connect, server, adapter):
    voice = adapter("one")
    for engine in (connect(), connect()):
        event = ended(engine, [asking("a", voice)])["a-0"]
        assert event.adapter_sha256 == voice.sha256


def test_a_server_that_began_anew_is_given_the_adapter_again(connect, server, adapter):
    voice = adapter("one")
    engine = connect()
    ended(engine, [asking("a", voice)])
    server.loaded.clear()
    event = ended(engine, [asking("a", voice, 2)])["a-2"]
    assert (event.text, event.adapter_sha256) == ("Hello from afar.", voice.sha256)
    assert [what for what, _ in server.diary if what in {"load", "missing"}] == [
        "load",
        "missing",
        "load",
    ]


def test_other_weights_than_those_asked_for_are_not_sent(connect, server, adapter):
    voice = adapter("one")
    wrong = AdapterRef(voice.id, voice.path, "ab" * 32)
    gone = AdapterRef(voice.id, "/nowhere", voice.sha256)
    last = ended(connect(), [asking("a", wrong, 1), asking("a", gone, 2)])
    assert [last[f"a-{n}"].code for n in (1, 2)] == ["adapter_invalid", "adapter_not_available"]
    assert server.diary == []


def test_somebody_elses_server_is_sent_nothing_and_asked_for_what_it_lists(
    connect, server, adapter
):
    voice, unknown = adapter("one"), adapter("two")
    server.loaded[name_of("a", voice)] = "/there/already"
    last = ended(connect(adapters="listed"), [asking("a", voice, 1), asking("a", unknown, 2)])
    assert (last["a-1"].adapter_sha256, last["a-2"].adapter_sha256) == (voice.sha256, None)
    assert not [call for call in server.calls if "lora" in call.path]


def test_a_waiting_request_can_be_cancelled_and_holds_nobody_up(connect, server, adapter):
    server.pause_s = 0.2
    engine = connect(most_adapters=1)
    first, second = adapter("one"), adapter("two")
    engine.submit(asking("a", first, 1))
    time.sleep(0.3)
    last = ended(engine, [asking("a", second, 2), asking("a", first, 3)], cancel=["a-2"])
    assert last["a-2"].reason == "cancelled"
    assert last["a-3"].adapter_sha256 == first.sha256
    assert_in_order(server.diary)
