"""The base as the web process knows it: by its converter's note, or by its bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from generation.engine.convert import describe
from generation.engine.weights import weights_sha256
from generation.serving import base_model
from saas.errors import Unavailable
from tests.generation.engine.toys import CONFIG


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A model as far as anybody here looks at it."""
    settings.ENGINE, settings.BASE_MODEL = "local", tmp_path
    about = CONFIG | {"architectures": ["LlamaForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(about))
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return tmp_path


def note(folder: Path, **changes: Any) -> None:
    about = describe(folder / "model.safetensors") | changes
    manifest = {"files": {"model.safetensors": about}}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_it_has_the_hash_that_the_engine_finds_and_its_sizes(folder: Path) -> None:
    for _ in range(2):
        found = base_model.local_base()
        assert found is not None
        assert (found.name, found.sha256) == (folder.name, weights_sha256(folder))
        assert found.shape is not None
        assert (found.shape.layers, found.shape.kv_size) == (2, 16)
        note(folder)


def test_other_weights_are_noticed(folder: Path) -> None:
    note(folder)
    before = base_model.local_base()
    (folder / "model.safetensors").write_bytes(b"other weights")
    after = base_model.local_base()
    assert before != after
    assert after is not None
    assert after.sha256 == weights_sha256(folder)


def test_a_note_spares_the_reading(folder: Path) -> None:
    note(folder, sha256="0" * 64)
    found = base_model.local_base()
    assert found is not None
    assert found.sha256 == "0" * 64


def test_a_model_that_is_not_there_is_said_to_be_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(Unavailable):
        base_model.local_base()


def test_a_model_that_cannot_wear_adapters_takes_none(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"architectures": ["GPT2LMHeadModel"]}))
    assert base_model.local_base() is None
