"""Personal data and secrets in texts: found by shape and checksum, masked by their kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One place in a text, and what stands there."""

    kind: str
    start: int
    end: int


def luhn(text: str) -> bool:
    """The checksum of payment cards (ISO/IEC 7812-1)."""
    digits = [int(char) for char in text if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """The checksum of bank accounts (ISO 13616): mod 97 of the letters as numbers is 1."""
    bare = text.replace(" ", "").upper()
    if not 15 <= len(bare) <= 34:
        return False
    moved = bare[4:] + bare[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def chinese_id(text: str) -> bool:
    """The check character of resident identity cards (GB 11643-1999)."""
    total = sum(int(char) * pow(2, 17 - place, 11) for place, char in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17].upper()


def anything(text: str) -> bool:
    return True


# Each pattern is linear: no repetition inside a repetition.
PATTERNS = (
    ("email", re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"), anything),
    ("secret", re.compile(r"\b(?:sk|pk|rk)_(?:live_|test_)?[A-Za-z0-9_-]{16,}"), anything),
    ("secret", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}"), anything),
    ("secret", re.compile(r"\bAKIA[0-9A-Z]{16}\b"), anything),
    ("secret", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"), anything),
    ("secret", re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----"), anything),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b"), iban),
    ("national_id", re.compile(r"\b\d{17}[\dXx]\b"), chinese_id),
    ("card", re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), luhn),
    ("phone", re.compile(r"(?<![\w.])\+\d{1,3}(?:[ ().-]{0,2}\d){6,12}\b"), anything),
    ("phone", re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"), anything),
    ("ip_address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"), lambda text: _octets(text)),
)


def _octets(text: str) -> bool:
    return all(int(part) <= 255 for part in text.split("."))


def find_private(text: str) -> list[Finding]:
    """All findings, in order and without overlaps; the earlier kind of pattern wins."""
    found: list[Finding] = []
    for kind, pattern, holds in PATTERNS:
        for match in pattern.finditer(text):
            if holds(match.group()) and _free(found, match.start(), match.end()):
                found.append(Finding(kind, match.start(), match.end()))
    return sorted(found, key=lambda each: each.start)


def _free(found: list[Finding], start: int, end: int) -> bool:
    return all(end <= each.start or start >= each.end for each in found)


def masked(text: str) -> str:
    """The text with each finding replaced by its kind in brackets."""
    return "".join(_pieces(text))


def _pieces(text: str) -> Iterator[str]:
    at = 0
    for each in find_private(text):
        yield text[at : each.start]
        yield f"[{each.kind}]"
        at = each.end
    yield text[at:]
