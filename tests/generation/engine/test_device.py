"""Where the model computes: nothing of its forward pass is made anywhere but on its device."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from generation.engine.adapters import load_adapter
from generation.engine.config import ModelConfig
from generation.engine.model import Batch, Llama, PromptChunk, load_weights
from generation.engine.types import EngineError
from tests.generation.engine.toys import ask, finish, write_adapter

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no GPU here.")


@contextmanager
def elsewhere() -> Iterator[None]:
    """What names no device lands where nothing can be computed with it."""
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


def test_the_forward_pass_names_the_device_of_all_that_it_makes(toy, tmp_path):
    folder, theirs = toy
    config = ModelConfig.read(folder)
    model = Llama(config, load_weights(folder, torch.float32), slots=3, context=64)
    ref, _ = write_adapter(tmp_path / "adapter", theirs)
    own = load_adapter(ref, config, "", model.bind)
    batch = Batch(
        [5, 6, 7, 8, 9], [PromptChunk(0, 0, 4), PromptChunk(1, 0, 1)], [3, 4], [own, None]
    )
    here = model.forward(batch)
    with elsewhere():
        assert torch.equal(model.forward(batch), here)
        with pytest.raises((RuntimeError, NotImplementedError)):
            here + torch.ones(1)  # what the test would look like if something were made elsewhere


def test_a_gpu_that_is_not_there_is_said_so(make_engine, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="GPU") as caught:
        make_engine(device="cuda")
    assert caught.value.code == "device_missing"
    with pytest.raises(ValueError, match="known: cpu, cuda"):
        make_engine(device="tpu")


@NO_GPU
def test_a_gpu_writes_the_same(make_engine):
    request = ask("in the hat", max_tokens=40)
    there = finish(make_engine(device="cuda"), request)
    assert there.text == finish(make_engine(), request).text
