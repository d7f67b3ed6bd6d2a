"""Conversion of the packaged model, checked on a small GGUF and against transformers."""

import json

import numpy as np
import pytest
from gguf import GGUFWriter

from generation.engine import convert as module
from generation.engine.convert import ConversionError, convert, converted, to_bf16
from generation.engine.tokenizer import Tokenizer
from generation.engine.types import Message
from tests.generation.engine.toys import TEMPLATE

LAYER = {
    "attn_norm": (16,),
    "attn_q": (16, 16),
    "attn_k": (8, 16),
    "attn_v": (8, 16),
    "attn_output": (16, 16),
    "ffn_norm": (16,),
    "ffn_gate": (32, 16),
    "ffn_up": (32, 16),
    "ffn_down": (16, 32),
}
TOKENS = ["<|im_start|>", "<|im_end|>", "a", "b", "ab", "1", "Ċ", "ĊĊ", "Ġ"]


@pytest.fixture
def gguf(tmp_path):
    path = tmp_path / "toy.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(32)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(4)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3, 1, 1, 1, 1, 1, 1, 1])
    writer.add_token_merges(["a b", "Ċ Ċ"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(1)
    writer.add_chat_template(TEMPLATE)
    numbers = np.random.default_rng(0)
    for name, shape in {"token_embd": (9, 16), "output_norm": (16,)}.items():
        writer.add_tensor(f"{name}.weight", numbers.normal(size=shape).astype(np.float32))
    for name, shape in LAYER.items():
        writer.add_tensor(f"blk.0.{name}.weight", numbers.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def folder(gguf, tmp_path):
    return convert(tmp_path / "model", gguf)


def test_transformers_reads_the_same_weights_from_both(gguf, folder):
    import torch
    from transformers import LlamaForCausalLM

    direct = LlamaForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name).state_dict()
    ours = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
    assert direct.keys() == ours.keys()
    for name, weight in direct.items():
        torch.testing.assert_close(ours[name], weight.bfloat16().float(), atol=0, rtol=0)


def test_digits_are_split_from_the_line_breaks_before_them(folder):
    assert Tokenizer(folder).encode("ab\n\n1") == [4, 7, 5]


def test_transformers_reads_the_same_tokenizer(folder):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": "user", "content": "\n\nab 11"}, {"role": "assistant", "content": "b"}]
    turns.append({"role": "user", "content": "a"})
    ids = theirs.apply_chat_template(turns, add_generation_prompt=True, return_dict=False)
    messages = tuple(Message(turn["role"], turn["content"]) for turn in turns)
    assert Tokenizer(folder).encode_chat(messages) == ids


def test_a_second_conversion_changes_nothing(gguf, folder, monkeypatch):
    monkeypatch.setattr(module, "write_model", None)
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert convert(folder, gguf) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_a_damaged_conversion_is_made_again(gguf, folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    assert not converted(folder)
    convert(folder, gguf)
    assert (folder / "model.safetensors").read_bytes() == whole


def test_nothing_is_left_when_it_fails(gguf, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(module, "write_tokenizer", full)
    with pytest.raises(OSError, match="no space"):
        convert(tmp_path / "other", gguf)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.gguf"]


def test_the_manifest_holds_the_hash_of_each_file(folder):
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert set(files) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert all(module.sha256(folder / name) == entry["sha256"] for name, entry in files.items())


def test_progress_rises_to_one(gguf, tmp_path):
    shares = []
    convert(tmp_path / "model", gguf, lambda share, step: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_unknown_tokenizer_is_refused(gguf, tmp_path, monkeypatch):
    field = module.field
    wrong = {"tokenizer.ggml.pre": "llama-bpe"}
    monkeypatch.setattr(
        module, "field", lambda r, name, default=None: wrong.get(name) or field(r, name, default)
    )
    with pytest.raises(ConversionError, match="llama-bpe"):
        convert(tmp_path / "model", gguf)


def test_rounding_to_bf16_equals_torchs():
    import torch

    values = np.random.default_rng(0).normal(size=10_000).astype(np.float32)
    expected = torch.from_numpy(values).bfloat16().view(torch.int16).numpy().view(np.uint16)
    assert (to_bf16(values) == expected).all()
