"""Each token's bytes, worked out for all at once."""

import pytest

from generation.engine.tokenizer import ALPHABET, SEPARATOR, all_bytes_of_level, bytes_of_level

ALL = [chr(number) for number in ALPHABET]


@pytest.mark.parametrize(
    "names",
    [
        ["", "the", "Ġcat", "Ċ", *ALL, "".join(ALL)],
        ["Ġcat", "spelt with blanks and 中", ""],
        [f"a{SEPARATOR}b", "c"],
        ["alone"],
    ],
)
def test_all_at_once_equals_one_by_one(names):
    assert all_bytes_of_level(names) == [bytes_of_level(name) for name in names]


def test_every_byte_has_its_letter():
    assert sorted(b"".join(all_bytes_of_level(ALL))) == list(range(256))
