"""A toy encoder in a folder, and texts of two kinds that any encoder can tell apart."""

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from training.heads.encoder import Encoder

GOOD = ("great", "lovely", "superb", "fine")
BAD = ("awful", "dull", "broken", "grim")
THINGS = ("phone", "film", "meal", "train", "book", "song", "desk", "coat")
CITIES = ("paris", "oslo", "rome", "lima")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
PLAIN = ("the", "was", "in", "and", "went", "to", ".", "new", "york")


def write_encoder(folder):
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        initializer_range=0.3,
    )
    model = transformers.BertModel(config)
    with torch.no_grad():
        # Hardly more than a bag of words, which is easy to learn from.
        model.embeddings.position_embeddings.weight.zero_()
        for weight in model.encoder.parameters():
            if weight.dim() == 2:
                weight.mul_(0.2)
    model.save_pretrained(folder)
    tokens = [*SPECIAL, *GOOD, *BAD, *THINGS, *CITIES, *PLAIN]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [("[SEP]", 3), ("[CLS]", 2)]
    tokenizer.post_processor = processors.BertProcessing(*ends)
    tokenizer.save(str(folder / "tokenizer.json"))


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    write_encoder(folder)
    return folder


@pytest.fixture(autouse=True)
def toy_encoder(encoder_folder, monkeypatch):
    """What stands in for the packaged encoder."""
    torch.set_num_threads(1)
    monkeypatch.setattr("training.heads.encoder.packaged_encoder", lambda: encoder_folder)
    return Encoder.load()


def reviews():
    texts, labels = [], []
    for place, thing in enumerate(THINGS):
        for word in GOOD + BAD:
            texts.append(f"the {thing} was {word}" + (" ." if place % 2 else ""))
            labels.append("good" if word in GOOD else "bad")
    return texts, labels


def journeys():
    """(words, BIO tags): cities are places, "new york" is one of two words."""
    rows = []
    for thing in THINGS:
        for city in CITIES:
            rows.append((["the", thing, "went", "to", city], ["O", "O", "O", "O", "B-place"]))
        words = ["the", thing, "was", "in", "new", "york", "."]
        rows.append((words, [*"OOOO", "B-place", "I-place", "O"]))
    return [row[0] for row in rows], [row[1] for row in rows]
