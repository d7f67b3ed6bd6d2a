"""Files as people have them are read; what cannot be read is refused with the place."""

import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from training.datasets.problems import FileRefused
from training.datasets.reading import kind_of, read


def file_of(folder: Path, data: bytes | str) -> Path:
    path = folder / "file"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(folder: Path, data: bytes | str, kind: str = "csv", charset: str = "") -> list[object]:
    return [dict(record.values) for record in read(file_of(folder, data), kind, charset)]


def refused(folder: Path, data: bytes | str, kind: str = "csv", charset: str = "") -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        rows(folder, data, kind, charset)
    return caught.value


ONE = [{"text": "Hello", "label": "a"}]


@pytest.mark.parametrize(
    "data",
    [
        "text,label\nHello,a\n",
        "text;label\r\nHello;a\r\n",
        "text\tlabel\rHello\ta",
        "sep=;\ntext;label\nHello;a",
        "\n\ntext,label\nHello,a",
        "text,label,,,\nHello,a,,,\n",
        "\ufefftext,label\nHello,a",
        '"text","label"\n"Hello",a\n\n',
        "text,label\nHello,a".encode("utf-16"),
        "text,label\nHello,a".encode("utf-32"),
    ],
)
def test_the_same_table_in_many_forms(tmp_path: Path, data: bytes | str) -> None:
    assert rows(tmp_path, data) == ONE


def test_cells_keep_their_characters(tmp_path: Path) -> None:
    cell = '=cmd|x, 👩\u200d🚀 می\u200cخواهم\nsecond line, "quoted"'
    quoted = cell.replace('"', '""')
    assert rows(tmp_path, f'text\n"{quoted}"\n') == [{"text": cell}]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        ("text,label\n", "file_empty"),
        ('text\n"never closed\n', "csv_malformed"),
        ("text,text\na,b\n", "csv_malformed"),
        ("text\na,b\n", "csv_malformed"),
        (b"\x89PNG\r\n\x1a\nrest", "unsupported_media_type"),
        (b"%PDF-1.7", "unsupported_media_type"),
        (b"text\nok\xff\n", "encoding_invalid"),
        (b"text\nnu\x00l\n", "encoding_invalid"),
        (",".join(f"c{n}" for n in range(501)) + "\n", "too_many_columns"),
        ("text\n" + "x" * 2_100_000, "row_too_long"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes | str, code: str) -> None:
    assert refused(tmp_path, data).code == code


def test_a_byte_that_does_not_fit_is_named_by_its_offset(tmp_path: Path) -> None:
    found = refused(tmp_path, b"text\n" + b"x" * 70_000 + b"\xe9\n")
    assert found.problems[0].params["offset"] == 70_005


def test_a_declared_charset_is_believed(tmp_path: Path) -> None:
    assert rows(tmp_path, "text\nCafé\n".encode("cp1252"), charset="windows-1252") == [
        {"text": "Café"}
    ]
    assert rows(tmp_path, "text\n日本\n".encode("shift-jis"), charset="shift-jis") == [
        {"text": "日本"}
    ]
    assert refused(tmp_path, "text\na\n", charset="klingon").code == "charset_unknown"


def test_json_lines(tmp_path: Path) -> None:
    data = '{"text": "Hello", "label": "a"}\n\n{"text": "你好", "label": "b"}\n'
    assert rows(tmp_path, data, "jsonl") == [*ONE, {"text": "你好", "label": "b"}]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": 1, "a": 2}',
        '{"a": 1,}',
        '{"a": ' + "9" * 400 + "}",
        "[1]",
        '{"a": ' + "[" * 10_000 + "]" * 10_000 + "}",
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    found = refused(tmp_path, f'{{"a": 1}}\n{line}\n', "jsonl")
    assert (found.code, found.problems[0].line) == ("jsonl_malformed", 2)


def test_all_malformed_lines_are_counted(tmp_path: Path) -> None:
    found = refused(tmp_path, "broken\n" * 150, "jsonl")
    assert (found.count, len(found.problems)) == (150, 100)


def test_a_workbook(tmp_path: Path) -> None:
    book = Workbook()
    for row in ([None], ["text", "label", None], ["Hello", "a"], [None, None], [3.0, True]):
        book.active.append(row)
    book.save(tmp_path / "file")
    found = [dict(record.values) for record in read(tmp_path / "file", "xlsx")]
    assert found == [*ONE, {"text": "3", "label": "True"}]


def test_a_workbook_that_explodes_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    with pytest.raises(FileRefused, match="archive_too_large"):
        list(read(tmp_path / "file", "xlsx"))


def test_a_workbook_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("../evil.xml", b"x")
    with pytest.raises(FileRefused, match="archive_unsafe_path"):
        list(read(tmp_path / "file", "xlsx"))


def test_pasted_texts(tmp_path: Path) -> None:
    found = list(read(file_of(tmp_path, "One\ntwo\n\n\nThree\n"), "text"))
    assert [(each.line, each.values["text"]) for each in found] == [(1, "One\ntwo"), (5, "Three")]


def test_kinds_by_names() -> None:
    assert [kind_of(name) for name in ("A.CSV", "b.ndjson", "c.txt")] == ["csv", "jsonl", "text"]
    with pytest.raises(FileRefused):
        kind_of("virus.exe")
