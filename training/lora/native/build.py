"""Compile the kernels of training for this machine: `python -m training.lora.native.build`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from generation.engine.native.build import Source, build, library_path

KERNELS = Source(Path(__file__).parent / "kernels.cpp", "training")


def main() -> int:
    """Never stops an install: without the kernels training is slower, not broken."""
    if library_path(KERNELS).is_file():
        return 0
    print("training │ compiling for this processor", flush=True)
    try:
        made = build(KERNELS)
    except subprocess.CalledProcessError:
        made = None
    if made is None:
        print("training │ no working C++20 compiler: training will be slower", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
