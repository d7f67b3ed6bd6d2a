"""Markdown becomes HTML that is complete and cannot harm its reader."""

from __future__ import annotations

import pytest

from generation.kinds.markup import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("## A head", "<h2>A head</h2>"),
        ("One\ntwo", "<p>One<br />\ntwo</p>"),
        ("**b** and *i*", "<p><strong>b</strong> and <em>i</em></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("[x](https://a.test/?b=1&c)", '<p><a href="https://a.test/?b=1&amp;c">x</a></p>'),
        ("[x](mailto:a@b.test)", '<p><a href="mailto:a@b.test">x</a></p>'),
        ("    indented\nTitle\n=====", "<p>indented<br />\nTitle<br />\n=====</p>"),
        ("", ""),
    ],
)
def test_what_copy_uses_becomes_html(text: str, html: str) -> None:
    assert to_html(text) == html


def test_a_table_has_its_cells() -> None:
    table = to_html("| Size | Price |\n|---|---|\n| S | 5 |")
    assert "<th>Size</th>" in table
    assert "<td>5</td>" in table


@pytest.mark.parametrize(
    "text",
    [
        "<script>x</script>",
        "<img src=x onerror=y>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>x</script>)",
        "[x](//evil.test)",
        "<javascript:alert(1)>",
        "![p](https://evil.test/pixel.png)",
        '[x](https://a.test/"onmouseover="y)',
        "[x]: javascript:alert(1)\n\n[x]",
    ],
)
def test_nothing_runs_or_is_fetched(text: str) -> None:
    html = to_html(text).lower()
    for harm in ("<script", "<img", 'href="javascript', 'href="data', 'href="//', '"onmouseover'):
        assert harm not in html
