"""An adapter's layout: made once, hashed at each load, and passed over when in doubt."""

import json
import os

import pytest
import torch

from generation.engine import adapter_cache
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import CONFIG, MODULES, WEIGHTS
from generation.engine.model import Llama, load_weights
from generation.engine.native import library as native
from generation.engine.types import EngineError, Sampling
from tests.generation.engine.test_native import SHAPE
from tests.generation.engine.toys import ask, finish, write_adapter, write_toy

NEEDS_LIBRARY = pytest.mark.skipif(native.library() is None, reason="Nothing was compiled here.")
pytestmark = NEEDS_LIBRARY


@pytest.fixture
def base(tmp_path):
    return tmp_path / "base", write_toy(tmp_path / "base", **SHAPE)


@pytest.fixture
def ref(base, tmp_path):
    made, _ = write_adapter(tmp_path / "adapter", base[1], r=5, target_modules=list(MODULES))
    return made


@pytest.fixture
def engine(make_engine, base):
    return make_engine(model=base[0], precision="int4")


def spied(monkeypatch):
    """The loads that had to read PEFT's file."""
    seen, original = [], adapter_cache.load_adapter

    def load_adapter(ref, *rest):
        seen.append(ref.id)
        return original(ref, *rest)

    monkeypatch.setattr(adapter_cache, "load_adapter", load_adapter)
    return seen


def same(one, other):
    table = [[tuple(getattr(d, n) for n in ("rank", "size", "out", "offset"))] for d in one.table]
    again = [[tuple(getattr(d, n) for n in ("rank", "size", "out", "offset"))] for d in other.table]
    return table == again and torch.equal(one.numbers, other.numbers)


def test_the_second_load_takes_the_layout_of_the_first(engine, ref, monkeypatch):
    seen = spied(monkeypatch)
    first, second = engine.load_adapter(ref), engine.load_adapter(ref)
    assert seen == [ref.id]
    assert first.sha256 == second.sha256 == ref.sha256
    assert same(first.layout, second.layout)


def test_it_writes_the_same_with_either(make_engine, base, ref):
    asked = ask("in the hat", adapter=ref, sampling=Sampling(temperature=0), max_tokens=20)
    written = [finish(make_engine(model=base[0], precision="int4"), asked) for _ in range(2)]
    assert written[0].text == written[1].text
    assert written[1].adapter_sha256 == ref.sha256


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def other_format(folder):
    manifest = json.loads((folder / adapter_cache.MANIFEST).read_text())
    (folder / adapter_cache.MANIFEST).write_text(json.dumps({**manifest, "format": 0}))


def other_places(folder):
    manifest = json.loads((folder / adapter_cache.MANIFEST).read_text())
    manifest["places"][0][0] = 99
    (folder / adapter_cache.MANIFEST).write_text(json.dumps(manifest))


SPOILED = {
    "a flipped bit": lambda folder: damage(folder / adapter_cache.DATA),
    "a shorter layout": lambda folder: os.truncate(folder / adapter_cache.DATA, 64),
    "no layout": lambda folder: (folder / adapter_cache.DATA).unlink(),
    "half a manifest": lambda folder: os.truncate(folder / adapter_cache.MANIFEST, 20),
    "another format": other_format,
    "places of another model": other_places,
    "weights touched since": lambda folder: os.utime(folder / WEIGHTS, (1, 1)),
    "other settings": lambda folder: (folder / CONFIG).write_bytes(
        (folder / CONFIG).read_bytes() + b" "
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_form_in_doubt_is_passed_over_and_made_anew(engine, ref, tmp_path, monkeypatch, how):
    first = engine.load_adapter(ref)
    seen = spied(monkeypatch)
    SPOILED[how](tmp_path / "adapter")
    again, kept = engine.load_adapter(ref), engine.load_adapter(ref)
    assert seen == [ref.id]
    assert same(first.layout, again.layout)
    assert same(first.layout, kept.layout)


def test_weights_that_were_exchanged_are_refused_as_ever(engine, ref, tmp_path):
    engine.load_adapter(ref)
    damage(tmp_path / "adapter" / WEIGHTS)
    with pytest.raises(EngineError) as caught:
        engine.load_adapter(ref)
    assert caught.value.code == "adapter_invalid"


def test_a_form_is_only_of_the_adapter_that_it_was_made_of(engine, base, ref, tmp_path):
    """The right folder's layout beside another adapter's files, hash and all."""
    engine.load_adapter(ref)
    other, _ = write_adapter(tmp_path / "other", base[1], r=5, seed=4, target_modules=[*MODULES])
    for name in (adapter_cache.DATA, adapter_cache.MANIFEST):
        (tmp_path / "other" / name).write_bytes((tmp_path / "adapter" / name).read_bytes())
    mine, theirs = engine.load_adapter(ref), engine.load_adapter(other)
    assert theirs.sha256 == other.sha256
    assert not torch.equal(mine.layout.numbers, theirs.layout.numbers)


def test_an_adapter_of_another_base_is_refused_whatever_is_kept(engine, ref, tmp_path):
    engine.load_adapter(ref)
    settings = json.loads((tmp_path / "adapter" / CONFIG).read_text())
    (tmp_path / "adapter" / CONFIG).write_text(json.dumps({**settings, "base_sha256": "0" * 64}))
    with pytest.raises(EngineError) as caught:
        engine.load_adapter(ref)
    assert caught.value.code == "adapter_base_mismatch"


def test_a_form_made_for_another_base_is_passed_over(engine, ref, monkeypatch):
    engine.load_adapter(ref)
    seen = spied(monkeypatch)
    engine.base_sha256 = "1" * 64
    engine.load_adapter(ref)
    assert seen == [ref.id]


def test_settings_that_are_none_are_refused_as_ever(engine, ref, tmp_path):
    engine.load_adapter(ref)
    (tmp_path / "adapter" / CONFIG).write_text("{}")
    with pytest.raises(EngineError) as caught:
        engine.load_adapter(ref)
    assert caught.value.code == "adapter_invalid"


def test_a_disk_that_takes_nothing_costs_only_time(engine, ref, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(adapter_cache.tempfile, "TemporaryDirectory", full)
    seen = spied(monkeypatch)
    assert same(engine.load_adapter(ref).layout, engine.load_adapter(ref).layout)
    assert seen == [ref.id, ref.id]


def test_the_plain_model_keeps_no_form(base, ref, tmp_path):
    config = ModelConfig.read(base[0])
    model = Llama(config, load_weights(base[0], torch.float32), slots=1, context=32)
    assert adapter_cache.load(ref, config, "", model).sha256 == ref.sha256
    assert not (tmp_path / "adapter" / adapter_cache.DATA).exists()
