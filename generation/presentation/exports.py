"""Contents as files: Markdown, HTML, CSV in the ad platform's layout, JSON."""

import csv
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.text import slugify

from generation.models import Content
from saas.csv_cells import disarmed_copy

HTML = """<!doctype html>
<html lang="{}">
<head><meta charset="utf-8"><title>{}</title></head>
<body>
{}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Export:
    """A file to take along."""

    name: str
    media_type: str
    body: bytes


def markdown(content: Content) -> bytes:
    return content.text.encode()


def html(content: Content) -> bytes:
    body = mark_safe(content.kind_spec.html(content.data))
    return format_html(HTML, content.language, content.title, body).encode()


def table(content: Content) -> bytes:
    return csv_bytes(content.kind_spec.csv_rows(content.data))


def data(content: Content) -> bytes:
    whole = {
        "id": str(content.pk),
        "kind": content.kind,
        "title": content.title,
        "status": content.status,
        "language": content.language,
        "version": content.version,
        "sha256": content.sha256,
        "updated_at": content.updated_at.isoformat(),
        "text": content.text,
        "data": content.data,
    }
    return json.dumps(whole, ensure_ascii=False, indent=2).encode()


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to write a content into a file."""

    label: str
    ending: str
    media_type: str
    write: Callable[[Content], bytes]


LAYOUTS = {
    "markdown": Layout("Markdown", "md", "text/markdown; charset=utf-8", markdown),
    "html": Layout("HTML", "html", "text/html; charset=utf-8", html),
    "csv": Layout("CSV", "csv", "text/csv; charset=utf-8", table),
    "json": Layout("JSON", "json", "application/json", data),
}
BULK_LAYOUTS = ("csv", "json")


def single(content: Content, layout: str) -> Export:
    chosen = LAYOUTS[layout]
    return Export(f"{file_stem(content)}.{chosen.ending}", chosen.media_type, chosen.write(content))


def bundle(contents: Iterable[Content], layout: str) -> Export:
    """Many contents in one archive: a table for each kind, or a JSON file for each content."""
    files = _tables(contents) if layout == "csv" else _documents(contents)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return Export(f"kindling-{layout}.zip", "application/zip", out.getvalue())


def _tables(contents: Iterable[Content]) -> dict[str, bytes]:
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for content in contents:
        rows[content.kind] += content.kind_spec.csv_rows(content.data)
    return {f"{kind}.csv": csv_bytes(each) for kind, each in rows.items()}


def _documents(contents: Iterable[Content]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for content in contents:
        stem = f"{file_stem(content)}-{str(content.pk)[-6:]}"
        files[f"{stem}.json"] = data(content)
    return files


def file_stem(content: Content) -> str:
    """A file name that says what is in it, in any script."""
    return slugify(content.title, allow_unicode=True)[:60].strip("-") or content.kind


def csv_bytes(rows: Iterable[Mapping[str, str]]) -> bytes:
    """Rows as UTF-8 with the mark by which spreadsheet programs know it, formulas disarmed.

    Ad platforms read them too, so that a sign before a word or a number stays as it is.
    """
    rows = list(rows)
    out = io.StringIO(newline="")
    # Rows of one kind may have columns of their own; the first to bring one sets its place.
    columns = dict.fromkeys(name for row in rows for name in row)
    writer = csv.writer(out)
    writer.writerow([disarmed_copy(name) for name in columns])
    for row in rows:
        writer.writerow([disarmed_copy(row.get(name, "")) for name in columns])
    return b"\xef\xbb\xbf" + out.getvalue().encode()
