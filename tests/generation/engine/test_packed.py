"""The base's 4-bit form beside its weights: taken only when it is what it says it is."""

import hashlib
import os

import pytest
import torch

from generation.engine import packed
from generation.engine.config import ModelConfig
from generation.engine.model import load_weights
from generation.engine.native.library import library
from generation.engine.packed import DATA, PackedFile
from generation.engine.types import Sampling
from tests.generation.engine.toys import ask, finish, write_toy

pytestmark = pytest.mark.skipif(library() is None, reason="The library was not built here.")
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


@pytest.fixture
def folder(tmp_path):
    write_toy(tmp_path, **SHAPE)
    assert packed.write(tmp_path)
    return tmp_path


def test_it_holds_what_packing_in_memory_gives(folder):
    config = ModelConfig.read(folder)
    expected = packed.pack(load_weights(folder, torch.bfloat16), config)
    found = PackedFile.find(folder)
    assert found.verified()
    parts = found.parts()
    assert parts.keys() == expected.keys()
    assert all(torch.equal(parts[name], expected[name]) for name in expected)


def test_it_is_written_once(folder):
    assert not packed.write(folder)


def texts(make_engine, folder):
    """What the engine writes, and the base that it names."""
    engine = make_engine(model=folder, precision="int4")
    done = finish(engine, ask(max_tokens=20, sampling=Sampling(temperature=0)))
    return done.text, done.base_sha256


def test_the_engine_writes_the_same_with_and_without(make_engine, folder):
    expected = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    with_form = texts(make_engine, folder)
    (folder / DATA).unlink()
    assert texts(make_engine, folder) == with_form
    assert with_form[1] == expected


def test_a_damaged_form_is_passed_over(make_engine, folder, caplog):
    whole = texts(make_engine, folder)
    data = bytearray((folder / DATA).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / DATA).write_bytes(data)
    assert PackedFile.find(folder) is not None  # only its hash tells
    assert texts(make_engine, folder) == whole
    assert "packed_base_damaged" in caplog.text


def test_weights_that_changed_are_read_anew(make_engine, folder):
    before = texts(make_engine, folder)
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 4
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    assert PackedFile.find(folder) is None
    assert texts(make_engine, folder)[1] == hashlib.sha256(data).hexdigest() != before[1]
    assert packed.write(folder)
    assert PackedFile.find(folder).base_sha256 == hashlib.sha256(data).hexdigest()
