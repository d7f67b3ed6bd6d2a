"""Jobs that turn texts into vectors; the web process never imports this."""

import base64
from functools import cache
from typing import Any

import numpy as np

from tenants.jobs.models import Lease
from tenants.jobs.worker import Control, Outcome
from training.heads.encoder import Encoder

LONGEST = 256
BATCH = 64


@cache
def encoder() -> Encoder:
    """The process's one encoder, loaded on first use."""
    return Encoder.load(max_length=LONGEST)


def embed(lease: Lease, control: Control) -> Outcome:
    """A unit vector of each text, batch by batch; a cancelled job stops between two."""
    texts: list[str] = lease.payload["texts"]
    model, rows = encoder(), []
    tokens = sum(len(encoding.ids) for encoding in model.encode(texts))
    for start in range(0, len(texts), BATCH):
        control.check()
        rows.append(model.embeddings(texts[start : start + BATCH]))
    packed = np.concatenate(rows).astype("<f4").tobytes()
    result: dict[str, Any] = {"vectors": base64.b64encode(packed).decode(), "size": model.size}
    usage = {"embedded_tokens": tokens}
    return Outcome(result | usage | {"encoder_sha256": model.sha256}, usage)
