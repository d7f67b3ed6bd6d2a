"""Rows from conversations: what is learnt is what the engine would write."""

import pytest

from generation.engine.tokenizer import Tokenizer
from generation.engine.types import Message
from tests.generation.engine.toys import write_toy_tokenizer
from training.lora.rows import Row, chat_row, pair_of, rows_sha256, truncated

STOP = 2
SAID = [
    Message("system", "be short"),
    Message("user", "the cat"),
    Message("assistant", "sat"),
    Message("user", "and then"),
    Message("assistant", "it <|im_end|> ate"),
]


GROWING = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}"
)
CHANGING = "{{ messages | length }}" + GROWING


def tokenizer_with(template, folder):
    write_toy_tokenizer(folder)
    (folder / "chat_template.jinja").write_text(template)
    return Tokenizer(folder)


@pytest.fixture
def tokenizer(tmp_path):
    return tokenizer_with(GROWING, tmp_path)


def test_every_answer_of_a_conversation_is_learnt(tokenizer):
    row = chat_row(tokenizer, SAID, STOP)
    wanted = [*tokenizer.encode("sat"), STOP, *tokenizer.encode("it <|im_end|> ate"), STOP]
    assert row.tokens[row.learnt].tolist() == wanted


def test_where_a_template_changes_what_came_before_the_last_answer_is_learnt(tmp_path):
    tokenizer = tokenizer_with(CHANGING, tmp_path)
    row = chat_row(tokenizer, SAID, STOP)
    assert row.tokens[row.learnt].tolist() == [*tokenizer.encode("it <|im_end|> ate"), STOP]


def test_the_prompt_is_what_the_engine_reads(tokenizer):
    row = chat_row(tokenizer, SAID[:3], STOP)
    prompt = tokenizer.encode_chat(tuple(SAID[:2]))
    assert row.tokens[: len(prompt)].tolist() == prompt
    assert not row.learnt[: len(prompt)].any()


def test_a_conversation_without_an_answer_is_none(tokenizer):
    with pytest.raises(ValueError, match="assistant"):
        chat_row(tokenizer, SAID[:2], STOP)


def test_both_sides_of_a_pair_begin_alike(tokenizer):
    pair = pair_of(tokenizer, SAID[:2], "sat", "ran away", stop_id=STOP)
    start = len(tokenizer.encode_chat(tuple(SAID[:2])))
    assert pair.chosen.tokens[:start].tolist() == pair.rejected.tokens[:start].tolist()
    assert pair.chosen.learnt.sum() == len(tokenizer.encode("sat")) + 1
    assert len(pair) == len(pair.chosen) + len(pair.rejected)


def test_long_rows_are_cut_and_counted():
    rows, count = truncated([Row.of([5] * 10, [6] * 10), Row.of([5], [6])], 12)
    assert count == 1
    assert [len(row) for row in rows] == [12, 2]
    assert rows[0].learnt.sum() == 2


def test_the_first_token_is_never_a_target():
    row = Row.of([], [5, 6, 7])
    assert row.targets(True).tolist() == [1, 2]
    assert Row.of([5, 6], [7]).targets(True).tolist() == [2]
    assert Row.of([5, 6], [7]).targets(False).tolist() == [1, 2]


def test_the_hash_knows_tokens_marks_and_order():
    rows = [Row.of([5, 6], [7]), Row.of([5], [6, 7]), Row.of([7], [8])]
    others = [[rows[0]], [rows[1]], rows[:2], rows[1::-1], rows]
    assert len({rows_sha256(each) for each in others}) == len(others)
    assert rows_sha256(rows) == rows_sha256(list(rows))
