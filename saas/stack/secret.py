"""The secret key of an installation, made once."""

import os
import secrets
from pathlib import Path


def ensure(path: Path) -> Path:
    """The file with the key, readable by us alone; written in full or not at all."""
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        unfinished.rename(path)
    return path
