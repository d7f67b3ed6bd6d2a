"""The characters of a file: by its mark, by the charset that was declared, else UTF-8; no guess."""

import codecs
from collections.abc import Iterator
from pathlib import Path

from training.datasets.problems import FileRefused

CHUNK = 64 * 1024
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What a text file never begins with: images, archives, programs, documents.
BINARY = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"\x7fELF", b"%PDF", b"MZ"),
    *(b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf", b"\xd0\xcf\x11\xe0", b"\x00\x00\x01\x00"),
)


def characters(path: Path, charset: str = "") -> Iterator[str]:
    """The text in pieces. Raises FileRefused for what is no text or not in the charset.

    Nothing is ever replaced: a byte that does not fit is an error with its offset.
    """
    with path.open("rb") as file:
        head = file.read(4096)
        if not head:
            raise FileRefused("file_empty")
        if head.startswith(BINARY) and not head.startswith(codecs.BOM_UTF16_LE):
            raise FileRefused("unsupported_media_type")
        mark, encoding = _encoding(head, charset)
        file.seek(len(mark))
        yield from _decoded(file, encoding, len(mark))


def _encoding(head: bytes, charset: str) -> tuple[bytes, str]:
    found = next(((mark, name) for mark, name in MARKS if head.startswith(mark)), None)
    if found:
        return found
    try:
        return b"", codecs.lookup(charset or "utf-8").name
    except LookupError:
        raise FileRefused("charset_unknown", charset=charset) from None


def _decoded(file: object, encoding: str, offset: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    while True:
        piece: bytes = file.read(CHUNK)  # type: ignore[attr-defined]
        waiting = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            at = offset - waiting + error.start
            raise FileRefused("encoding_invalid", offset=at, encoding=encoding) from None
        if "\x00" in text:
            raise FileRefused("encoding_invalid", offset=offset, encoding=encoding)
        yield text
        offset += len(piece)
        if not piece:
            return


def lines(path: Path, charset: str = "", *, longest: int) -> Iterator[str]:
    """Lines with their ends, whichever ends the file has. Raises FileRefused for one too long."""
    kept = ""
    for piece in characters(path, charset):
        kept += piece
        # The last line may go on in the next piece, and a CR may be half of a CRLF.
        *whole, kept = kept.splitlines(keepends=True) or [""]
        if kept.endswith("\n"):
            whole.append(kept)
            kept = ""
        yield from _short(whole, longest)
        if len(kept) > longest:
            raise FileRefused("row_too_long", limit=longest)
    if kept:
        yield from _short([kept], longest)


def _short(found: list[str], longest: int) -> Iterator[str]:
    for line in found:
        if len(line) > longest:
            raise FileRefused("row_too_long", limit=longest)
        yield line
