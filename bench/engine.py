"""The local engine beside what a user would run instead: same prompts, forced lengths.

`make bench` prints tokens per second. `make bench-engine` (`--compare`) runs the whole table in
one process, ours and theirs turn by turn, and appends it to bench/RESULTS.md.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench import contests, mixed, service, starts
from bench.measure import HEAD, Reached, Remark, taken
from bench.mode import MODES, Mode
from bench.ours import prompts, writer
from generation.engine import packed
from generation.engine.convert import convert

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = {
    "torch": "torch",
    "transformers": "transformers",
    "peft": "peft",
    "llama_cpp": "llama-cpp-python",
}
Part = Callable[[Mode], Iterator[Reached | Remark]]


def main() -> None:
    chosen = options()
    models = Path(os.environ.get("DATA_DIR", ".data")) / "models"
    model = convert(models / "smollm2-135m-instruct")
    packed.write(model)
    if not chosen.compare:
        speeds(model, chosen)
        return
    began = time.perf_counter()
    lines = list(compare(model, chosen))
    record(lines, chosen, time.perf_counter() - began)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--tokens", type=int, default=64, help="length of each text")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=3, help="how often each one is measured")
    parser.add_argument("--compare", action="store_true", help="run the others too")
    parser.add_argument("--only", nargs="+", help="some parts of the comparison, not recorded")
    return parser.parse_args()


def speeds(model: Path, chosen: argparse.Namespace) -> None:
    show("texts at once | tokens/s | of each")
    for rows in chosen.rows:
        with writer(model, rows, chosen.threads) as ours:
            run = taken(lambda ours=ours, rows=rows: ours.write(prompts(rows), chosen.tokens))
        speed = run.speed("wall")
        show(f"{rows} | {speed:.0f} | {speed / rows:.0f}")


def parts(model: Path, chosen: argparse.Namespace) -> dict[str, Part]:
    found = contests.Contests(model, chosen.tokens, chosen.turns)
    return {
        "load": lambda mode: starts.rows(model, mode),
        "decode": found.decode,
        "plain": found.plain,
        "adapters": found.adapters,
        "llama": found.llama,
        "roofs": found.roofs,
        "mixed": lambda mode: mixed.rows(model, mode),
        "service": lambda mode: service.rows(model, mode),
    }


def compare(model: Path, chosen: argparse.Namespace) -> Iterator[str]:
    yield from map(show, HEAD)
    for name, part in parts(model, chosen).items():
        if chosen.only and name not in chosen.only:
            continue
        for mode in MODES:
            mode.apply()
            yield from (show(line.line()) for line in part(mode))


def show(line: str) -> str:
    print(line, flush=True)
    return line


def record(lines: list[str], chosen: argparse.Namespace, seconds: float) -> None:
    known = ", ".join(
        f"{package} {version(package)}" for name, package in PACKAGES.items() if find_spec(name)
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    head = [
        "",
        f"## Speed of the engine, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor()}",
        "",
        f"{chosen.tokens} tokens each, {chosen.turns} turns, {seconds / 60:.0f} minutes; {known}; "
        f"Python {platform.python_version()}; load average at the end {load}.",
        "",
    ]
    if chosen.only:
        return
    if not RESULTS.exists():
        RESULTS.write_text("# Results\n")
    with RESULTS.open("a") as file:
        file.write("\n".join([*head, *lines]) + "\n")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    known = [
        name for name in ("avx512f", "avx512_bf16", "avx512_vnni", "amx_tile") if name in flags
    ]
    return f"{len(names)} x {names[0]} ({', '.join(known)})" if names else platform.processor()


if __name__ == "__main__":
    main()
