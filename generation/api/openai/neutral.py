"""Fields that OpenAI's and vLLM's clients send and that leave the text as it is.

Each with the values that mean nothing here and the reason why; any other value of it would change
the text and is refused by the field's name.
"""

from collections.abc import Callable, Container, Mapping
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

Fits = Callable[[Any], bool]


def any_value(value: Any) -> bool:
    return True


def empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def nothing(value: Any) -> bool:
    return empty(value) or value is False


def either(*values: Any) -> Fits:
    """Nothing at all, or one of these."""
    return lambda value: (
        empty(value)
        or any(
            value == known and isinstance(value, bool) == isinstance(known, bool)
            for known in values
        )
    )


# About where and how a request is served, never about its text.
SERVED = "says how the request is served, not what is written"
ABSENT = "switches on what is not there; switched off it means nothing"
DEFAULT = "has here the value that OpenAI and vLLM take where nobody says anything"
KEPT_ELSEWHERE = "is for the caller's own records"

# What means nothing but where an address reads it: a brand may stand in the metadata.
READ = frozenset({"metadata"})

NEUTRAL: dict[str, tuple[Fits, str]] = {
    "service_tier": (any_value, SERVED),
    "prompt_cache_key": (any_value, SERVED),
    "prompt_cache_retention": (any_value, SERVED),
    "prediction": (any_value, SERVED),
    "priority": (any_value, SERVED),
    "guided_decoding_backend": (any_value, SERVED),
    "request_id": (any_value, SERVED),
    "cache_salt": (any_value, SERVED),
    "safety_identifier": (any_value, KEPT_ELSEWHERE),
    "metadata": (any_value, KEPT_ELSEWHERE),
    "user": (any_value, KEPT_ELSEWHERE),
    "store": (any_value, KEPT_ELSEWHERE),
    "parallel_tool_calls": (any_value, "one function is called at a time either way"),
    "functions": (nothing, ABSENT),
    "function_call": (either("none", "auto"), ABSENT),
    "audio": (nothing, ABSENT),
    "web_search_options": (nothing, ABSENT),
    "modalities": (either(["text"]), DEFAULT),
    "reasoning_effort": (either("none"), "the models here do not reason before they write"),
    "reasoning": (nothing, "the models here do not reason before they write"),
    "verbosity": (either("medium"), DEFAULT),
    "best_of": (either(1), DEFAULT),
    "suffix": (nothing, ABSENT),
    "echo": (nothing, ABSENT),
    "use_beam_search": (nothing, ABSENT),
    "length_penalty": (either(1), DEFAULT),
    "early_stopping": (nothing, ABSENT),
    "ignore_eos": (nothing, ABSENT),
    "stop_token_ids": (nothing, ABSENT),
    "bad_words": (nothing, ABSENT),
    "include_stop_str_in_output": (nothing, ABSENT),
    "skip_special_tokens": (either(True), DEFAULT),
    "spaces_between_special_tokens": (either(True), DEFAULT),
    "add_generation_prompt": (either(True), DEFAULT),
    "continue_final_message": (nothing, ABSENT),
    "add_special_tokens": (either(True), DEFAULT),
    "chat_template": (nothing, ABSENT),
    "chat_template_kwargs": (nothing, ABSENT),
    "documents": (nothing, ABSENT),
    "truncate_prompt_tokens": (nothing, ABSENT),
    "prompt_logprobs": (either(0), ABSENT),
    "allowed_token_ids": (nothing, ABSENT),
    "guided_grammar": (nothing, ABSENT),
    "structured_outputs": (nothing, ABSENT),
    "return_token_ids": (nothing, ABSENT),
    "return_tokens_as_token_ids": (nothing, ABSENT),
    "mm_processor_kwargs": (nothing, ABSENT),
    "logits_processors": (nothing, ABSENT),
    "kv_transfer_params": (nothing, ABSENT),
    "include": (nothing, ABSENT),
    "truncation": (either("disabled", "auto"), DEFAULT),
    "background": (nothing, ABSENT),
    "conversation": (nothing, ABSENT),
    "previous_response_id": (nothing, ABSENT),
    "prompt_template": (nothing, ABSENT),
    "max_tool_calls": (any_value, "one function is called at a time either way"),
}
# These have a meaning of their own, and an empty value of theirs has none.
EMPTY = {
    "tools": (nothing,),
    "stop": (nothing,),
    "logit_bias": (nothing,),
    "top_logprobs": (either(0),),
    "stream_options": (nothing,),
    "top_k": (either(-1),),
    "response_format": (nothing,),
    "guided_json": (nothing,),
    "guided_regex": (nothing,),
    "guided_choice": (nothing,),
    "min_tokens": (nothing,),
}


def without_neutral(data: Any, known: Container[str]) -> Any:
    """The request without what means nothing; `known` are the fields that the address reads.

    Raises ValidationError, by name, for a field whose value would change the text.
    """
    if not isinstance(data, Mapping):
        return data
    read = {name for name in READ if name in known}
    kept = {name: v for name, v in data.items() if name in read or not means_nothing(name, v)}
    refused = {
        name: [serializers.ErrorDetail(refusal(name), "not_supported")]
        for name in kept
        if name in NEUTRAL and name not in known
    }
    if refused:
        raise serializers.ValidationError(refused)
    return kept


def means_nothing(name: str, value: Any) -> bool:
    if name in NEUTRAL:
        return NEUTRAL[name][0](value)
    return name in EMPTY and EMPTY[name][0](value)


def refusal(name: str) -> str:
    return _("%s would change the text and cannot be done here. Leave it out.") % name
