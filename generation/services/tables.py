"""Tables that people bring: CSV as programs write it, or a workbook; as text, row by row.

Rows are numbered as a spreadsheet program shows them. A row that cannot be read is named and the
others go on.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from generation.kinds.fields import Field
from generation.kinds.kind import Kind
from saas.errors import Invalid
from saas.folding import folded
from training.datasets.problems import FileRefused
from training.datasets.reading import refuse_unsafe_archive

MAX_ROWS = 500
MAX_BYTES = 2 * 1024 * 1024
MAX_CELL_CHARS = 5000
MAX_COLUMNS = 100
DELIMITERS = ",;\t"
WORKBOOK = b"PK\x03\x04"
BOMS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read; the others can."""

    message: str


Cells = list[str] | BadRow


@dataclass(frozen=True, slots=True)
class Table:
    """A header, and below it rows with their numbers."""

    header: list[str]
    rows: list[tuple[int, Cells]]


def read_table(content: bytes) -> Table:
    """Raises Invalid where the file as a whole is no good."""
    if not content.strip():
        raise malformed(_("The file is empty."), "file_empty")
    if len(content) > MAX_BYTES:
        raise malformed(_("The file is larger than 2 MB."), "payload_too_large")
    found = workbook_rows(content) if content.startswith(WORKBOOK) else csv_rows(decode(content))
    filled = ((n, row) for n, row in found if isinstance(row, BadRow) or any(map(str.strip, row)))
    _number, header = next(filled, (0, []))
    if isinstance(header, BadRow):
        raise malformed(header.message)
    header = trimmed(header)
    rows = [(number, fitted(row, header)) for number, row in islice(filled, MAX_ROWS + 1)]
    if len(rows) > MAX_ROWS:
        raise malformed(_("At most {limit} rows.").format(limit=MAX_ROWS), "too_many_rows")
    if not rows:
        raise malformed(_("There are no rows below the first one."), "file_empty")
    return Table(header, rows)


def trimmed(header: Sequence[str]) -> list[str]:
    """The names without the empty ones that a spreadsheet program leaves behind them."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise malformed(_("At most {limit} columns.").format(limit=MAX_COLUMNS))
    return names


def fitted(row: Cells, header: list[str]) -> Cells:
    """The row's cells below the header; empty ones beyond it mean nothing."""
    if isinstance(row, BadRow):
        return row
    if any(cell.strip() for cell in row[len(header) :]):
        return BadRow(_("The row has more cells than the first one has columns."))
    if any(len(cell) > MAX_CELL_CHARS for cell in row):
        return BadRow(_("A cell has more than {limit} characters.").format(limit=MAX_CELL_CHARS))
    cells = row[: len(header)]
    return cells + [""] * (len(header) - len(cells))


def decode(content: bytes) -> str:
    charset = next((name for bom, name in BOMS.items() if content.startswith(bom)), "utf-8-sig")
    try:
        text = content.decode(charset)
    except UnicodeDecodeError as error:
        detail = _("The file is not UTF-8 (at byte {byte}). Save it as CSV UTF-8.")
        raise malformed(detail.format(byte=error.start), "encoding_invalid") from error
    if "\0" in text:
        raise malformed(_("The file is not a text file."), "encoding_invalid")
    return text


def csv_rows(text: str) -> Iterator[tuple[int, Cells]]:
    """Each row of a text in which commas, semicolons or tabs stand between the cells."""
    text, delimiter = declared(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield number, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, BadRow(str(error))


def declared(text: str) -> tuple[str, str]:
    """The text without a `sep=` line, and what stands between its cells."""
    first, _rest, below = text.lstrip("\ufeff").partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip("\r")) == 5:
        return below, first[4]
    header = next((line for line in text.splitlines() if line.strip(DELIMITERS + " ")), "")
    outside = "".join(header.split('"')[::2])
    return text, max(DELIMITERS, key=outside.count)


def workbook_rows(content: bytes) -> Iterator[tuple[int, Cells]]:
    """Each row of a workbook's first sheet."""
    from openpyxl import load_workbook  # only who reads a workbook pays for it

    try:
        with NamedTemporaryFile(suffix=".xlsx") as file:
            file.write(content)
            file.flush()
            refuse_unsafe_archive(Path(file.name))
            book = load_workbook(file.name, read_only=True, data_only=True)
            rows = book.worksheets[0].iter_rows(values_only=True, max_col=MAX_COLUMNS)
            found = [[cell_text(value) for value in row] for row in islice(rows, 2 * MAX_ROWS)]
            book.close()
    except (FileRefused, KeyError, ValueError, IndexError, OSError) as error:
        detail = _("The workbook is damaged or locked with a password.")
        raise malformed(detail, "encoding_invalid") from error
    yield from enumerate(found, start=1)


def cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def guess(header: Sequence[str], kind: Kind) -> dict[str, int]:
    """Which column answers which question: by its name, or by the words on screen."""
    columns = {plain(name): place for place, name in reversed(list(enumerate(header))) if name}
    found = {}
    for field in kind.fields:
        names = (field.name, *spellings(field.label))
        places = [columns[plain(name)] for name in names if plain(name) in columns]
        if places:
            found[field.name] = places[0]
    return found


def plain(name: str) -> str:
    return " ".join(folded(name).replace("_", " ").split())


def spellings(text: str) -> set[str]:
    """The words of a text in the source's language and in the reader's."""
    with override("en"):
        english = _(text)
    return {text, english, _(text)}


def answer(field: Field, cell: str) -> Any:
    """A cell as the answer to a question: lists by lines or semicolons, choices by their words."""
    if field.type == "list":
        return [part.strip() for part in cell.replace("\n", ";").split(";")]
    if field.type == "select" and cell.strip():
        by_words = {
            plain(words): choice.value
            for choice in field.choices
            for words in (choice.value, *spellings(choice.label))
        }
        return by_words.get(plain(cell), cell)
    return cell


def answers(kind: Kind, cells: Sequence[str], mapping: dict[str, int]) -> dict[str, Any]:
    return {
        field.name: answer(field, cells[mapping[field.name]])
        for field in kind.fields
        if field.name in mapping
    }


def unanswered(kind: Kind, mapping: Iterable[str]) -> list[Field]:
    """The questions that need an answer and have no column."""
    known = set(mapping)
    return [field for field in kind.fields if field.required and field.name not in known]


def malformed(detail: str, code: str = "csv_malformed") -> Invalid:
    return Invalid(detail, code=code)
