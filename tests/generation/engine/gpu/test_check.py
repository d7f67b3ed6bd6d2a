"""At start: kernels that fail or differ are not used, and that is said in one line."""

import logging
import sys
from dataclasses import replace

import pytest
import torch

from generation.engine import precision
from generation.engine.config import ModelConfig
from generation.engine.gpu import check
from generation.engine.gpu.graphs import Graphs
from generation.engine.gpu.kernels import PLAIN
from generation.engine.gpu.model import GpuLlama
from generation.engine.model import Llama, load_weights
from tests.generation.engine.toys import ask, finish

NO_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no GPU here.")


@pytest.fixture
def load(toy, monkeypatch, device):
    """The check's verdict over kernels of one's own."""
    folder, _ = toy
    config = ModelConfig.read(folder)
    weights = load_weights(folder, torch.float32, device.type)

    def load(kernels):
        monkeypatch.setattr(check, "compiled", lambda: kernels)
        return check.checked(config, weights, slots=4, context=64)

    return load


def reason(caplog):
    (record,) = [record for record in caplog.records if record.name == check.__name__]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("gpu_kernels_off reason=")
    return record.getMessage().partition("=")[2]


def test_kernels_that_agree_are_used(load, caplog):
    assert isinstance(load(PLAIN), GpuLlama)
    assert not caplog.records


def wrong_place(qkv, keys, values, turn, step):
    q = PLAIN.place(qkv, keys, values, turn, step)
    keys[step.slots[-1], :, step.positions[-1]] = 0
    return q


def wrong_attention(q, keys, values, step):
    return PLAIN.attend(q, keys, values, step) * 1.1


def wrong_additions(y, x, joined, step):
    later = PLAIN.add(y, x, joined, step)
    later[-1, -1] = torch.nan
    return later


@pytest.mark.parametrize(
    ("name", "wrong", "what"),
    [
        ("place", wrong_place, "keys is off by"),
        ("attend", wrong_attention, "attention is off by"),
        ("add", wrong_additions, "what adapters add to q_proj is off by nan"),
    ],
)
def test_a_kernel_that_differs_is_not_used(load, caplog, name, wrong, what):
    model = load(replace(PLAIN, **{name: wrong}))
    assert type(model) is Llama
    assert what in reason(caplog)


def test_a_kernel_that_does_not_compile_is_not_used(load, caplog):
    def broken(*_):
        raise RuntimeError("no compiler\nand much more about it")

    assert type(load(replace(PLAIN, attend=broken))) is Llama
    assert reason(caplog) == "RuntimeError: no compiler"


def test_a_graph_that_differs_is_not_used(load, caplog, monkeypatch):
    def stale(model):
        class Stale:
            def replay(self):
                model.graphs.logits.normal_()

        model.graphs.captured = dict.fromkeys([(n, True) for n in model.graphs.buckets], Stale())

    monkeypatch.setattr(GpuLlama, "prepare", stale)
    assert type(load(PLAIN)) is Llama
    assert "a step of 2 tokens is off by" in reason(caplog)


def test_without_triton_the_plain_model_runs(toy, monkeypatch, caplog):
    folder, _ = toy
    config = ModelConfig.read(folder)
    weights = load_weights(folder, torch.float32)
    for name in ("triton", "generation.engine.gpu.attention", "generation.engine.gpu.lora"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delattr("generation.engine.gpu.attention", raising=False)
    assert type(check.checked(config, weights, slots=4, context=64)) is Llama
    assert "Error" in reason(caplog)


@pytest.mark.parametrize("rows", [check.FEW_ROWS, check.MANY_ROWS])
def test_no_two_rows_of_the_check_write_to_one_place(toy, rows):
    config = ModelConfig.read(toy[0])
    adapters = [check.adapter(config, 3, torch.empty(0)), None]
    step = check.singles(rows, adapters, torch.device("cpu"))
    places = set(zip(step.slots.tolist(), step.positions.tolist(), strict=True))
    assert len(places) == rows
    assert max(step.positions.tolist()) < check.CONTEXT
    assert step.adapter_tiles[1].sum() == rows // 2


def test_only_a_gpu_asks_for_the_check(make_engine, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(check, "checked", refuse)
    assert finish(make_engine(precision="fp32"), ask()).text
    assert precision.DEVICES == ("cpu", "cuda")


@pytest.mark.prove
def test_the_kernels_here_agree(toy, device, caplog):
    pytest.importorskip("triton")
    folder, _ = toy
    config = ModelConfig.read(folder)
    weights = load_weights(folder, torch.float32, device.type)
    assert isinstance(check.checked(config, weights, slots=4, context=64), GpuLlama)
    assert not caplog.records


def test_an_adapter_that_a_captured_step_forgets_is_noticed(load, caplog, monkeypatch):
    def forget(model):
        model.graphs.compute = lambda rows, adapted: Graphs.compute(
            model.graphs, rows, adapted=False
        )

    monkeypatch.setattr(GpuLlama, "prepare", forget)
    assert type(load(PLAIN)) is Llama
    assert "a step of 2 tokens is off by" in reason(caplog)


@NO_GPU
@pytest.mark.parametrize("precise", ["fp32", "bf16"])
def test_a_gpu_captures_its_steps_and_uses_its_kernels(toy, precise, caplog):
    config = ModelConfig.read(toy[0])
    base = precision.Base(toy[0], config, precise, "cuda")
    model = base.load(6, 96)
    assert isinstance(model, GpuLlama)
    assert len(model.graphs.captured) == 2 * len(model.graphs.buckets)
    assert not caplog.records
