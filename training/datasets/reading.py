"""Rows of CSV, TSV, JSONL, XLSX and pasted text, one after the other, in bounded memory."""

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from training.datasets.decoding import lines
from training.datasets.problems import FileRefused, Problem

LONGEST_LINE = 2 * 2**20
MOST_COLUMNS = 500
MOST_ROWS = 1_000_000
MOST_PROBLEMS = 100
DEEPEST = 32
LONGEST_NUMBER = 40
DELIMITERS = ",;\t|"
INFLATED = 500 * 2**20
RATIO = 100
MOST_PARTS = 1_000
KINDS = ("csv", "tsv", "jsonl", "xlsx", "text")


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in the file; `line` counts from 1."""

    line: int
    values: Mapping[str, Any]


def read(path: Path, kind: str, charset: str = "") -> Iterator[Record]:
    """The rows of a file of this kind. Raises FileRefused where it cannot be read."""
    readers = {"csv": read_csv, "tsv": read_csv, "jsonl": read_jsonl, "text": read_text}
    found = read_xlsx(path) if kind == "xlsx" else readers[kind](path, charset)
    count = 0
    for count, record in enumerate(found, start=1):
        if count > MOST_ROWS:
            raise FileRefused("too_many_rows", limit=MOST_ROWS)
        yield record
    if not count:
        raise FileRefused("file_empty")


def kind_of(name: str) -> str:
    """The kind by the end of a file's name; raises FileRefused for one that is not taken."""
    end = name.rpartition(".")[2].lower()
    kind = {"txt": "text", "ndjson": "jsonl"}.get(end, end)
    if kind not in KINDS:
        raise FileRefused("unsupported_media_type", kinds=", ".join(KINDS))
    return kind


def read_csv(path: Path, charset: str = "") -> Iterator[Record]:
    """Any of the usual delimiters, quotes as in RFC 4180, a `sep=` line, leading blank lines."""
    source = lines(path, charset, longest=LONGEST_LINE)
    first, declared = _first_line(source)
    delimiter = declared or _delimiter(first)
    csv.field_size_limit(LONGEST_LINE)
    rows = csv.reader(chain([first], source), delimiter=delimiter, strict=True)
    try:
        header = _header(next(rows))
        for row in rows:
            if any(cell.strip() for cell in row):
                yield Record(rows.line_num, _cells(header, row, rows.line_num))
    except csv.Error as error:
        problem = Problem("csv_malformed", rows.line_num, params={"reason": str(error)})
        raise FileRefused("csv_malformed", problem) from None


def _first_line(source: Iterator[str]) -> tuple[str, str]:
    """The header's line, and the delimiter that a `sep=` line before it declares."""
    declared = ""
    for line in source:
        bare = line.strip().strip("\ufeff")
        if bare.lower().startswith("sep=") and len(bare) == 5:
            declared = bare[4]
        elif bare.strip(DELIMITERS):
            return line.lstrip("\ufeff"), declared
    raise FileRefused("file_empty")


def _delimiter(line: str) -> str:
    """The one that the header has most of, outside of quotes."""
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _header(cells: list[str]) -> list[str]:
    """Names without trailing empty ones; raises FileRefused for two of one name."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise FileRefused("too_many_columns", limit=MOST_COLUMNS)
    folded = [name.casefold() for name in names if name]
    twice = next((name for name in folded if folded.count(name) > 1), "")
    if twice:
        raise FileRefused("csv_malformed", Problem("header_twice", 1, twice))
    return names


def _cells(header: list[str], row: list[str], line: int) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(header) :]):
        raise FileRefused("csv_malformed", Problem("too_many_cells", line))
    return {name: cell for name, cell in zip(header, row, strict=False) if name}


class _Malformed(ValueError):
    """A line that is JSON for some readers and not for others."""


def read_jsonl(path: Path, charset: str = "") -> Iterator[Record]:
    """An object a line. All malformed lines are found, the first hundred told."""
    problems: list[Problem] = []
    bad = 0
    for number, line in enumerate(lines(path, charset, longest=LONGEST_LINE), start=1):
        if not line.strip():
            continue
        try:
            values = json_object(line)
        except (ValueError, RecursionError) as error:
            bad += 1
            if len(problems) < MOST_PROBLEMS:
                params = {"reason": str(error) or "too deep"}
                problems.append(Problem("jsonl_malformed", number, params=params))
            continue
        if not bad:
            yield Record(number, values)
    if bad:
        raise FileRefused("jsonl_malformed", *problems, count=bad)


def json_object(line: str) -> dict[str, Any]:
    """A line as an object that means the same to every reader; raises ValueError."""
    value = json.loads(
        line,
        object_pairs_hook=_unique,
        parse_constant=_refuse_constant,
        parse_int=_short_number,
        parse_float=_finite,
    )
    if not isinstance(value, dict):
        raise _Malformed("not an object")
    if _depth(value) > DEEPEST:
        raise _Malformed("nested too deeply")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Malformed("a name stands twice")
    return found


def _refuse_constant(name: str) -> Any:
    raise _Malformed(f"{name} is not JSON")


def _short_number(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _Malformed("a number is too long")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Malformed("a number is too large")
    return number


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def read_text(path: Path, charset: str = "") -> Iterator[Record]:
    """Pasted texts, with a blank line between two."""
    kept: list[str] = []
    began = 1
    for number, line in enumerate(lines(path, charset, longest=LONGEST_LINE), start=1):
        if line.strip():
            began = began if kept else number
            kept.append(line.rstrip("\r\n"))
        elif kept:
            yield Record(began, {"text": "\n".join(kept)})
            kept = []
    if kept:
        yield Record(began, {"text": "\n".join(kept)})


def read_xlsx(path: Path) -> Iterator[Record]:
    """The first sheet; its first row that is not empty is the header."""
    refuse_unsafe_archive(path)
    from openpyxl import load_workbook  # only who reads a workbook pays for it
    from openpyxl.utils.exceptions import InvalidFileException

    file = path.open("rb")
    try:
        book = load_workbook(file, read_only=True, data_only=True)
        rows = enumerate(book.worksheets[0].iter_rows(values_only=True), start=1)
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile, IndexError) as error:
        file.close()
        raise FileRefused("archive_unreadable", reason=str(error)) from None
    try:
        header = next((_header([_cell(c) for c in row]) for _, row in rows if any(row)), [])
        for line, row in rows:
            cells = [_cell(value) for value in islice(row, len(header))]
            if any(cells):
                yield Record(line, _cells(header, cells, line))
    finally:
        book.close()
        file.close()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def refuse_unsafe_archive(path: Path) -> None:
    """A workbook is a zip: refuse one that would inflate beyond reason or leave its folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        raise FileRefused("archive_unreadable") from None
    names = [part.filename for part in parts]
    unsafe = any(
        name.startswith("/") or ".." in name.split("/") or "\x00" in name for name in names
    )
    if unsafe or len(set(names)) < len(names):
        raise FileRefused("archive_unsafe_path")
    inflated = sum(part.file_size for part in parts)
    packed = max(1, sum(part.compress_size for part in parts))
    if len(parts) > MOST_PARTS or inflated > INFLATED or inflated > RATIO * packed + 2**20:
        raise FileRefused("archive_too_large")
