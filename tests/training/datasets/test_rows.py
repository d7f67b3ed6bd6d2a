"""Rows of the five tasks: mapped, checked, cleaned, compared, split, counted."""

from collections import Counter
from typing import Any

import pytest

from training.datasets.cleaning import cleaned, fingerprint, near_duplicates
from training.datasets.privacy import find_private, masked
from training.datasets.splitting import Groups, assign
from training.datasets.statistics import Statistics
from training.datasets.tasks import TASKS, guess_mapping, mapped


def codes(task: str, values: dict[str, Any]) -> list[str]:
    found = TASKS[task]
    return [problem.code for problem in found.check(found.build(values), 1)]


@pytest.mark.parametrize(
    ("task", "values"),
    [
        ("copy", {"kind": "search_ad", "text": "Buy", "product": "Tea"}),
        (
            "chat",
            {
                "messages": '[{"role": "user", "content": "Hi"},'
                ' {"role": "assistant", "content": "Ho"}]'
            },
        ),
        ("chat", {"prompt": "Hi", "answer": "Ho"}),
        ("preference", {"prompt": "Hi", "chosen": "A", "rejected": "B"}),
        ("classification", {"text": "Hi", "label": "a|b"}),
        ("extraction", {"tokens": "Ann lives", "tags": "B-PER O"}),
        ("extraction", {"text": "Ann", "spans": '[{"start": 0, "end": 3, "label": "PER"}]'}),
    ],
)
def test_good_rows_have_no_problem(task: str, values: dict[str, Any]) -> None:
    assert codes(task, values) == []


@pytest.mark.parametrize(
    ("task", "values", "code"),
    [
        ("copy", {"kind": "email", "text": ""}, "field_empty"),
        ("chat", {"messages": "[]"}, "messages_invalid"),
        ("chat", {"messages": [{"role": "user", "content": "Hi"}]}, "no_answer"),
        ("chat", {"messages": [{"role": "robot", "content": "Hi"}]}, "messages_invalid"),
        ("preference", {"prompt": "Hi", "chosen": "A", "rejected": "A"}, "nothing_preferred"),
        ("classification", {"text": "Hi", "label": " "}, "field_empty"),
        ("classification", {"text": "x" * 50_001, "label": "a"}, "field_too_long"),
        ("extraction", {"tokens": "Ann", "tags": "B-PER O"}, "tags_do_not_fit"),
        ("extraction", {"tokens": "Ann", "tags": "PER"}, "tag_invalid"),
        ("extraction", {"text": "Ann", "spans": '[{"start": 2, "end": 9}]'}, "span_invalid"),
    ],
)
def test_bad_rows_say_what_is_wrong(task: str, values: dict[str, Any], code: str) -> None:
    assert codes(task, values) == [code]


def test_columns_are_guessed_in_english_and_chinese() -> None:
    found = guess_mapping(TASKS["classification"], ["Category", "编号", "文本", "notes"])
    assert found == {"文本": "text", "Category": "label", "编号": "row_id"}
    assert mapped({"文本": "a", "notes": "b"}, found) == {"text": "a"}
    assert TASKS["classification"].missing({"x": "text"}) == ["label"]
    assert TASKS["copy"].missing({"x": "text"}) == []
    chat = TASKS["chat"]
    assert chat.missing({}) == ["prompt", "answer"]
    assert chat.missing({"x": "answer"}) == ["prompt"]
    assert chat.missing({"x": "messages"}) == []


def test_cleaning_keeps_what_letters_are_made_of() -> None:
    text = "Cafe\u0301  \u00a0 \x07x\r\n 👩\u200d🚀 می\u200cخواهم "
    assert cleaned({"text": text}) == {"text": "Café x\n👩\u200d🚀 می\u200cخواهم"}
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_near_duplicates_are_found_and_others_are_not() -> None:
    base = "Water your snake plant once a month and put it in the bedroom near the window please"
    texts = [
        ("1", base),
        ("2", base.replace("please", "now")),
        ("3", "Something else entirely, " * 3),
    ]
    assert list(near_duplicates(texts)) == [("2", "1")]


def test_private_data_is_masked_by_kind() -> None:
    text = "ann@b.example, +44 20 7946 0958, 4242 4242 4242 4242, GB82WEST12345698765432"
    assert masked(text) == "[email], [phone], [card], [iban]"
    assert find_private("Order 4242 4242 4242 4243 of 2026-11-30, version 1.2.3, 999.1.1.1") == []
    assert [each.kind for each in find_private("11010519491231002X 13800138000")] == [
        "national_id",
        "phone",
    ]


def test_groups_stay_together_and_frozen_rows_stay_where_they_are() -> None:
    rows = [f"r{n}" for n in range(400)]
    groups = Groups()
    for n in range(0, 400, 2):
        groups.join(f"r{n}", f"r{n + 1}")
    first = assign(rows, groups, seed=1, frozen={})
    assert all(first[f"r{n}"] == first[f"r{n + 1}"] for n in range(0, 400, 2))
    assert Counter(first.values()) == {"train": 320, "validation": 40, "test": 40}
    groups.join("r401", "r0")
    later = assign([*rows, "r401", "r402"], groups, seed=2, frozen=first)
    assert {row: later[row] for row in rows} == first
    assert later["r401"] == first["r0"]


@pytest.mark.parametrize(("rows", "test"), [(8, 1), (20, 4), (30, 6), (65, 6), (100, 10)])
def test_few_rows_leave_enough_to_tell_by(rows: int, test: int) -> None:
    for seed in range(20):
        given = assign([f"r{n}" for n in range(rows)], Groups(), seed=seed, frozen={})
        assert Counter(given.values())["test"] == Counter(given.values())["validation"] == test


def test_of_two_large_groups_the_smaller_one_tests() -> None:
    groups = Groups()
    for n in range(1, 6):
        groups.join("r0", f"r{n}")
    groups.join("r6", "r7")
    groups.join("r7", "r8")
    given = assign([f"r{n}" for n in range(9)], groups, seed=0, frozen={})
    assert [row for row, split in given.items() if split == "test"] == ["r6", "r7", "r8"]


def test_statistics() -> None:
    found = Statistics()
    task = TASKS["classification"]
    found.add(task, {"text": "I want my money back, ann@b.example", "labels": ["refund"]}, "train")
    stored = found.stored()
    assert stored["labels"] == {"refund": 1}
    assert stored["languages"] == {"en": 1}
    assert stored["private"] == {"email": 1}
    assert stored["splits"] == {"train": 1}
