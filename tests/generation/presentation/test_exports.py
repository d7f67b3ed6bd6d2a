"""Files that spreadsheets and browsers can open without harm."""

import pytest

from generation.models import Content
from generation.presentation.exports import Export, csv_bytes, html
from generation.views.contents import attachment


@pytest.mark.parametrize("cell", ["+5 Years of Warmth", "-20% Today", "@home Tea", "+１", "-中"])
def test_a_sign_before_a_word_or_a_number_is_part_of_the_ad(cell: str) -> None:
    assert csv_bytes([{"a": cell}]).decode("utf-8-sig").split("\r\n")[1] == cell


@pytest.mark.parametrize("cell", ["=1+1", "+(1)", "-(1)", "@@x", "+", "\tx", "\rx", "＝1", "|x"])
def test_a_cell_never_begins_a_formula(cell: str) -> None:
    written = csv_bytes([{"a": cell}]).decode("utf-8-sig").split("\r\n", 1)[1].lstrip('"')
    assert written[0] not in "=+-@\t\r＝"


def test_plain_cells_stay_as_they_are() -> None:
    assert (
        csv_bytes([{"a": "1 - 2 = -1", "b": "ü"}]).decode("utf-8-sig") == "a,b\r\n1 - 2 = -1,ü\r\n"
    )


def test_rows_with_columns_of_their_own_stand_in_one_table() -> None:
    assert csv_bytes([{"a": "1"}, {"b": "2"}]).decode("utf-8-sig") == "a,b\r\n1,\r\n,2\r\n"


def test_a_title_is_no_markup() -> None:
    content = Content(
        tenant_id=None, kind="search_ad", title="<script>x</script>", data={"headlines": ["<b>"]}
    )
    page = html(content).decode()
    assert "<script>" not in page
    assert "<b>" not in page


def test_a_name_cannot_break_out_of_its_header() -> None:
    answer = attachment(Export('a".csv\r\nX-Evil: 1', "text/csv", b""))
    assert "\r" not in answer["Content-Disposition"]
    assert not answer.has_header("X-Evil")
