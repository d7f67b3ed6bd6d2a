"""Compiles the translations where they are older than their texts: `python -m saas.messages`."""

from pathlib import Path

import polib

FOLDER = Path(__file__).resolve().parent / "locale"


def compile_messages(folder: Path = FOLDER) -> None:
    """Write a `.mo` beside each `.po`; Django reads those."""
    for source in folder.rglob("*.po"):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
            continue
        fresh = target.with_suffix(".new")  # a process that reads meanwhile sees no half file
        polib.pofile(str(source)).save_as_mofile(str(fresh))
        fresh.replace(target)


if __name__ == "__main__":
    compile_messages()
