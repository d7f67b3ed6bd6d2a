"""How fast the local engine writes: `make bench` prints tokens per second by texts at once."""

import argparse
import os
import time
from pathlib import Path

from generation.engine import load
from generation.engine.convert import convert
from generation.engine.types import Engine, Finished, GenerationRequest, Message, Sampling

PROMPT = "Write a short text about a shop for houseplants that delivers in the city."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--tokens", type=int, default=128, help="length of each text")
    chosen = parser.parse_args()
    models = Path(os.environ.get("DATA_DIR", ".data")) / "models"
    model = convert(models / "smollm2-135m-instruct")
    print("texts at once   tokens/s   of each")
    for rows in chosen.rows:
        engine = load("local", model=model, rows=rows)
        try:
            measure(engine, 1, 8)  # the first tokens pay for loading
            speed = measure(engine, rows, chosen.tokens)
        finally:
            engine.close()
        print(f"{rows:13d} {speed:10.0f} {speed / rows:9.0f}", flush=True)


def measure(engine: Engine, rows: int, tokens: int) -> float:
    """Tokens per second over all rows, the reading of the prompts included."""
    started = time.perf_counter()
    for number in range(rows):
        engine.submit(request(number, tokens))
    written = 0
    while engine.busy:
        for event in engine.step():
            if isinstance(event, Finished):
                written += event.completion_tokens
    return written / (time.perf_counter() - started)


def request(number: int, tokens: int) -> GenerationRequest:
    return GenerationRequest(
        id=f"bench-{number}",
        tenant="bench",
        messages=(Message("user", PROMPT),),
        max_tokens=tokens,
        min_tokens=tokens,
        sampling=Sampling(seed=number),
    )


if __name__ == "__main__":
    main()
