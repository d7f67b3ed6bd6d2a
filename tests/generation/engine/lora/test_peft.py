"""The format of adapters: what is good passes, and each way to be bad is named."""

import io
import resource
from typing import Any

import numpy as np
import pytest

from generation.engine.lora.peft import Settings, identity, is_that, placed
from generation.engine.lora.tensors import FormatError, finite, read_header, unsafe
from tests.support.tally import tally
from tests.training.adapters import (
    CONFIG,
    TOY,
    bad_configs,
    bad_weights,
    config,
    described,
    pack,
    tensors,
    weights,
)

COUNT = tally("bad adapters")


def checked(data: bytes, shape: Any = TOY) -> list[tuple[int, str]]:
    """All the checks of a file of weights, in the order in which an import makes them."""
    file = io.BytesIO(data)
    entries = read_header(file, len(data))
    places = placed(entries, CONFIG["r"], shape)
    if not finite(file, entries):
        raise FormatError("not_finite")
    return places


def test_a_good_adapter_passes() -> None:
    for shape in (TOY, None):
        assert checked(weights(), shape) == [(n, m) for n in (0, 1) for m in ("q_proj", "v_proj")]
    COUNT.controls += 1


@pytest.mark.parametrize(("dtype", "kind"), [("F16", "<f2"), ("BF16", "<u2")])
def test_half_precision_passes_and_its_nan_does_not(dtype: str, kind: str) -> None:
    given = {
        name: (v.view("<u4") >> 16 if dtype == "BF16" else v).astype(kind)
        for name, v in tensors().items()
    }
    assert checked(pack(*described(given, dtype)))
    bad = next(iter(given.values()))
    bad.view("<u2")[0, 0] = 0x7FC1
    with pytest.raises(FormatError, match="not_finite"):
        checked(pack(*described(given, dtype)))


@pytest.mark.parametrize(
    ("reason", "data"), [pytest.param(*rest, id=name) for name, *rest in bad_weights()]
)
def test_bad_weights_are_refused_for_the_right_reason(reason: str, data: bytes) -> None:
    COUNT.attempts += 1
    with pytest.raises(FormatError) as caught:
        checked(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("reason", "data"), [pytest.param(*rest, id=name) for name, *rest in bad_configs()]
)
def test_bad_configs_are_refused_for_the_right_reason(reason: str, data: bytes) -> None:
    COUNT.attempts += 1
    with pytest.raises(FormatError) as caught:
        Settings.read(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "harmless",
    [
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": False},
        {"init_lora_weights": "eva", "eva_config": {"rho": 2.0}},
        {"target_modules": "\\S+\\.(?:q_proj|v_proj)"},
        {"target_modules": "/.*q_proj"},
        {"layers_to_transform": [0, 1], "layers_pattern": "layers"},
        {
            "loftq_config": {},
            "rank_pattern": {},
            "use_dora": False,
            "trainable_token_indices": None,
        },
        {"qalora_group_size": 16, "ensure_weight_tying": False, "peft_version": "0.21.2"},
    ],
)
def test_what_leaves_the_base_alone_is_taken(harmless: dict[str, Any]) -> None:
    assert Settings.read(config(**harmless)).rank == 4


def test_a_refusal_names_its_setting() -> None:
    with pytest.raises(FormatError) as caught:
        Settings.read(config(init_lora_weights="pissa"))
    assert (caught.value.setting, caught.value.value) == ("init_lora_weights", "pissa")


def test_the_same_numbers_with_another_factor_are_another_adapter() -> None:
    told = [
        config(),
        config(lora_alpha=16),
        config(use_rslora=True),
        config(base_model_name_or_path="x"),
    ]
    first, alpha, stabilised, named = (identity("a" * 64, Settings.read(each)) for each in told)
    assert len({first, alpha, stabilised}) == 3
    assert first == named, "what it is called changes nothing"
    assert is_that(first, "a" * 64, Settings.read(told[0]))
    assert is_that("a" * 64, "a" * 64, Settings.read(told[0])), "brought before"
    assert not is_that(alpha, "a" * 64, Settings.read(told[0]))


def test_what_is_read_is_written_and_nothing_else() -> None:
    settings = Settings.read(config(use_rslora=True, lora_dropout=0.1))
    assert settings.scale == 8 / 2
    assert Settings.read(settings.written()) == settings
    assert b"dropout" not in settings.written()


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("adapter_model.bin", b""),
        ("adapter_model.PT", b""),
        ("optimizer.pth", b""),
        ("model.safetensors", b"PK\x03\x04"),
        ("model.safetensors", b"\x80\x04\x95"),
        ("model.safetensors", b"\x93NUMPY"),
    ],
)
def test_what_could_run_code_is_known_by_name_or_beginning(name: str, head: bytes) -> None:
    assert unsafe(name, head)
    assert not unsafe("adapter_model.safetensors", weights()[:16])


def test_large_files_are_read_in_pieces() -> None:
    name, rows = next(iter(tensors())), 2**20
    data = pack(*described({name: np.zeros((rows, 16), "<f4")}))
    file, before = io.BytesIO(data), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert finite(file, read_header(file, len(data)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
