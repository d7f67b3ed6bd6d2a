"""What the person at the terminal sees: short lines, each with the name of its part in front."""

import contextlib
import sys
from typing import TextIO


def say(name: str, text: str) -> None:
    _write(sys.stdout, name, text)


def complain(name: str, text: str) -> None:
    _write(sys.stderr, name, text)


def _write(stream: TextIO, name: str, text: str) -> None:
    # The terminal may be closed while the servers are still being stopped.
    with contextlib.suppress(OSError):
        for line in text.splitlines():
            print(f"{name:>9} │ {line}", file=stream, flush=True)
