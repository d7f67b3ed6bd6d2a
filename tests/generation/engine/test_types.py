"""Limits of a request: each at the limit is fine, one past it names its field."""

import subprocess
import sys

import pytest

from generation import engine
from generation.engine.types import (
    MAX_PROMPT_CHARS,
    GenerationRequest,
    Grammar,
    LimitError,
    Message,
    Sampling,
)

BAD_SAMPLING = [
    ("temperature", float("nan")),
    ("temperature", -1),
    ("temperature", 1e9),
    ("top_p", 0),
    ("top_p", 1.01),
    ("top_k", -1),
    ("top_k", 2.5),
    ("min_p", 1.1),
    ("repetition_penalty", 0),
    ("presence_penalty", 3),
    ("frequency_penalty", -3),
    ("seed", -1),
    ("seed", True),
    ("logprobs", 21),
    ("stop", ("x",) * 17),
    ("stop", ("",)),
    ("stop", ("x" * 65,)),
    ("logit_bias", ((1, 101.0),)),
    ("logit_bias", ((1, 1.0),) * 301),
]

BAD_REQUESTS = [
    ("max_tokens", {"max_tokens": 0}, "validation_failed"),
    ("max_tokens", {"max_tokens": 10**9}, "validation_failed"),
    ("min_tokens", {"min_tokens": 9}, "validation_failed"),
    ("banned", {"banned": ("",)}, "validation_failed"),
    ("banned", {"banned": ("x",) * 257}, "validation_failed"),
    ("prompt", {"prompt": ""}, "prompt_empty"),
    ("prompt", {"prompt": " \n\u200b\x00"}, "prompt_empty"),
    ("prompt", {"prompt": "x" * (MAX_PROMPT_CHARS + 1)}, "context_length_exceeded"),
]

ORDERS = [
    (Message("assistant", "a"), Message("user", "b")),
    (Message("user", "a"), Message("user", "b")),
    (Message("user", "a"), Message("assistant", "b")),
    (Message("user", "a"), Message("system", "b"), Message("user", "c")),
    (Message("system", "a"),),
]


def request(**changes):
    return GenerationRequest(**{"id": "r", "tenant": "t", "max_tokens": 8, "prompt": "x"} | changes)


@pytest.mark.parametrize(("field", "value"), BAD_SAMPLING)
def test_a_sampling_value_out_of_range_names_its_field(field, value):
    with pytest.raises(LimitError) as caught:
        Sampling(**{field: value})
    assert caught.value.field == field


@pytest.mark.parametrize(("field", "changes", "code"), BAD_REQUESTS)
def test_a_request_out_of_range_names_its_field_and_code(field, changes, code):
    with pytest.raises(LimitError) as caught:
        request(**changes)
    assert (caught.value.field, caught.value.code) == (field, code)


@pytest.mark.parametrize("turns", ORDERS)
def test_messages_come_in_any_order(turns):
    assert request(prompt="", messages=turns).messages == turns


def test_an_unknown_role_is_refused():
    with pytest.raises(LimitError, match="messages"):
        request(prompt="", messages=(Message("wizard", "a"),))


def test_values_at_their_limits_pass():
    Sampling(temperature=0, top_p=1, seed=2**63 - 1, stop=("x" * 64,) * 16, logprobs=20)
    request(prompt="x" * MAX_PROMPT_CHARS, max_tokens=8192, min_tokens=8192)


def test_a_conversation_in_turn_passes():
    turns = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c")]
    assert request(prompt="", messages=tuple(Message(*turn) for turn in turns)).prompt_chars == 4


def test_equal_schemas_make_equal_grammars():
    assert Grammar.json_schema({"type": "object"}) == Grammar.json_schema({"type": "object"})


def test_an_empty_choice_is_refused():
    with pytest.raises(LimitError):
        Grammar.choice([])


def test_an_unknown_engine_names_the_known_ones():
    with pytest.raises(ValueError, match="echo, local, openai"):
        engine.load("gpt")


def test_types_and_echo_do_not_load_torch():
    code = (
        "import sys, generation.engine as e; e.load('echo'); "
        "assert not {'torch', 'django', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
