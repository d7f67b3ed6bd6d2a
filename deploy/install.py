"""Makes `.venv` with the locked dependencies; standard library only, run by any Python 3.11+."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUNTIME, TOOLS = ROOT / "deploy" / "requirements.txt", ROOT / "deploy" / "requirements-dev.txt"
# One version for all, but not one file: each machine gets the build that fits it, so no hash.
TORCH = "torch==2.13.0"
NEEDED_GB = 3
NO_NETWORK = ("Temporary failure in name", "NewConnectionError", "Network is unreachable")
NO_NETWORK += ("nodename nor servname", "ConnectTimeoutError", "Name or service not known")
NO_NETWORK += ("Failed to establish a new connection", "NameResolutionError", "ProxyError")
NEWS = ("Collecting ", "Downloading ", "Building ", "Installing ")
SECONDS_BETWEEN_LINES = 10.0


class InstallError(Exception):
    """What went wrong, with the cure."""


def main(arguments: Sequence[str]) -> int:
    locks = [RUNTIME, TOOLS] if "--tools" in arguments else [RUNTIME]
    try:
        install(locks)
    except InstallError as error:
        print(f"install │ {error}", file=sys.stderr)
        return 1
    return 0


def install(locks: list[Path]) -> None:
    missing = [lock for lock in locks if not _installed(lock)]
    if not missing:
        return
    _check_disk()
    if not _works():
        _make_venv()
        missing = locks
    for lock in missing:
        _install_lock(lock)
        _stamp(lock).write_text(_fingerprint(lock))


def _install_lock(lock: Path) -> None:
    pinned = len(re.findall(r"^[A-Za-z0-9].*==", lock.read_text(), re.MULTILINE))
    _pip(f"{lock.name}, {pinned} packages", "--require-hashes", "--no-deps", "-r", str(lock))
    if lock == RUNTIME:
        _pip(f"{TORCH}, the largest one", TORCH)


def _installed(lock: Path) -> bool:
    stamp = _stamp(lock)
    current = stamp.exists() and stamp.read_text() == _fingerprint(lock)
    return current and os.access(PYTHON, os.X_OK)


def _stamp(lock: Path) -> Path:
    return VENV / f".installed-{lock.stem}"


def _fingerprint(lock: Path) -> str:
    """Also of the folder: programs in a virtual environment hold its path."""
    content = b"\0".join([lock.read_bytes(), TORCH.encode(), str(VENV).encode()])
    return hashlib.sha256(content).hexdigest()


def _works() -> bool:
    """Whether the environment's Python and pip run: a moved or half-made one does not."""
    try:
        done = subprocess.run([PYTHON, "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _make_venv() -> None:
    if not os.access(ROOT, os.W_OK):
        raise InstallError(
            f"{ROOT} cannot be written: make it writable for this user, or copy it elsewhere."
        )
    print(f"install │ making {VENV.name} with Python {sys.version.split()[0]}", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not _works():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        reason = (done.stderr or done.stdout or "no reason given").strip().splitlines()[-1]
        raise InstallError(
            f"Python's venv module is missing or broken ({reason}). Debian and Ubuntu: "
            f"`sudo apt-get install python{version}-venv`; then run make again."
        )


def _check_disk() -> None:
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < NEEDED_GB:
        raise InstallError(
            f"Only {free:.1f} GB are free in {ROOT}: free {NEEDED_GB} GB and run make again."
        )


def _pip(what: str, *arguments: str) -> None:
    print(f"install │ {what}", flush=True)
    started = time.monotonic()
    command = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--no-compile",
    ]
    process = subprocess.Popen(
        [*command, "--progress-bar", "off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = _follow(process)
    if process.returncode:
        raise InstallError(_explain(said))
    print(f"install │ done in {time.monotonic() - started:.0f} s", flush=True)


def _follow(process: "subprocess.Popen[str]") -> list[str]:
    """Collect pip's words until its end, showing the latest now and then."""
    said: list[str] = []
    output = process.stdout
    assert output
    reader = threading.Thread(target=lambda: said.extend(line.rstrip() for line in output))
    started = time.monotonic()
    reader.start()
    while reader.is_alive():
        reader.join(SECONDS_BETWEEN_LINES)
        news = [line.strip() for line in said if line.strip().startswith(NEWS)]
        if reader.is_alive() and news:
            found = sum(line.startswith("Collecting ") for line in news)
            latest = news[-1].partition(" (from")[0][:60]
            print(
                f"install │   {time.monotonic() - started:.0f} s, {found} found: {latest}",
                flush=True,
            )
    process.wait()
    return said


def _explain(said: list[str]) -> str:
    text = "\n".join(said)
    if "No space left on device" in text:
        return f"The disk is full: free {NEEDED_GB} GB and run make again."
    if any(sign in text for sign in NO_NETWORK):
        return "No network: the package index cannot be reached. Connect and run make again."
    tail = "\n".join(said[-12:])
    return f"pip could not install the dependencies:\n{tail}\nMend that and run make again."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
