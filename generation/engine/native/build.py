"""Compile the C++ for this machine's processor: `python -m generation.engine.native.build`."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FLAGS = (
    *("-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-pthread", "-fno-math-errno"),
    # GCC 12 takes the "undefined" operand inside its own intrinsics for a mistake of ours.
    *("-Wall", "-Wextra", "-Wno-maybe-uninitialized", "-Wno-uninitialized", "-Wno-psabi"),
)
COMPILERS = ("g++", "c++", "clang++")


@dataclass(frozen=True, slots=True)
class Source:
    """What is compiled into one library called `name`; the headers beside this file are its too."""

    file: Path
    name: str


ENGINE = Source(HERE / "library.cpp", "kindling")


def processor() -> str:
    """What the compiled code may rely on; a library for another processor is never loaded."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("flags", "Features")
    lines = info.read_text(errors="replace").splitlines()
    found = next((line for line in lines if line.startswith(wanted)), "")
    return f"{platform.machine()} {' '.join(sorted(found.partition(':')[2].split()))}"


def library_path(source: Source = ENGINE) -> Path:
    """Where the library for this source, these flags and this processor lies or would lie."""
    digest = hashlib.sha256(" ".join(FLAGS).encode() + processor().encode())
    for path in sorted([*HERE.glob("*.h"), source.file]):
        digest.update(path.name.encode() + path.read_bytes())
    folder = Path(os.environ.get("KINDLING_NATIVE_DIR", source.file.parent))
    return folder / f"{source.name}-{digest.hexdigest()[:16]}.so"


def compiler() -> str | None:
    names = (os.environ["CXX"],) if os.environ.get("CXX") else COMPILERS
    return next((path for name in names if (path := shutil.which(name))), None)


def build(source: Source = ENGINE) -> Path | None:
    """The library's path, compiled now if need be; None where there is no compiler."""
    target, command = library_path(source), compiler()
    if target.is_file():
        return target
    if command is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        command_line = [command, *FLAGS, "-I", str(HERE), "-o", str(made), str(source.file)]
        subprocess.run(command_line, check=True)
        made.replace(target)
    remove_older(target, source)
    return target


def remove_older(kept: Path, source: Source) -> None:
    for path in kept.parent.glob(f"{source.name}-*.so"):
        if path != kept:
            path.unlink(missing_ok=True)


def main() -> int:
    """Never stops an install: without the library the engine is slower, not broken."""
    if library_path().is_file():
        return 0
    print("engine  │ compiling for this processor", flush=True)
    try:
        made = build()
    except subprocess.CalledProcessError:
        made = None
    if made is None:
        print("engine  │ no working C++20 compiler: texts will be written more slowly", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
