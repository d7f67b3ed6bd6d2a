"""Cells of CSV files that spreadsheet programs open without running them."""

import re

# What a spreadsheet takes for a formula, also in the wide characters of Chinese and Japanese.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# A sign before a word or a number, as ads have it: "+5 years", "-20%", "@home".
SIGN_IN_COPY = re.compile(r"[+\-@]\w")


def disarmed(cell: str) -> str:
    """The cell as text: an apostrophe stands before what would be a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def disarmed_copy(cell: str) -> str:
    """The same for a file that an ad platform reads, where an apostrophe would be published."""
    return cell if SIGN_IN_COPY.match(cell) else disarmed(cell)
