"""What OpenAI's clients send, within our limits and before anything is tokenised."""

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from generation.api.openai.fields import LogitBiasField, PromptField, StopField
from generation.api.openai.grammars import (
    GRAMMARS,
    GuidedJsonField,
    ResponseFormatField,
    asked_grammar,
)
from generation.api.openai.messages import MessagesField
from generation.api.openai.neutral import without_neutral
from generation.api.openai.tools import ToolChoiceField, ToolsField, asked_tools
from generation.engine.types import (
    LEAST_TOP_P,
    MAX_GRAMMAR_CHARS,
    MAX_LOGPROBS,
    MAX_TOKENS,
    GenerationRequest,
    LimitError,
    Message,
)
from saas.api.fields import BooleanField, CharField, FloatField, IntegerField
from saas.api.serializers import StrictSerializer
from saas.errors import Invalid

MAX_CHOICES = 8
DEFAULT_TOKENS = 512
MAX_OPTIONS, MAX_OPTION_CHARS = 256, 400
# What plain completions told beside each token, before chats told more.
MAX_LEGACY_LOGPROBS = 5


class StreamOptionsSerializer(StrictSerializer):
    """How a streamed answer is sent."""

    include_usage = BooleanField(default=False)
    include_obfuscation = BooleanField(default=False)


class SampledSerializer(StrictSerializer):
    """What chats and plain completions have in common."""

    model = CharField(max_length=200)
    max_tokens = IntegerField(min_value=1, max_value=MAX_TOKENS, allow_null=True, default=None)
    temperature = FloatField(min_value=0, max_value=2, allow_null=True, default=None)
    top_p = FloatField(min_value=0, max_value=1, allow_null=True, default=None)
    n = IntegerField(min_value=1, max_value=MAX_CHOICES, allow_null=True, default=None)
    stop = StopField(allow_null=True, default=None)
    seed = IntegerField(min_value=-(2**63), max_value=2**63 - 1, allow_null=True, default=None)
    top_k = IntegerField(min_value=0, max_value=1000, allow_null=True, default=None)
    min_p = FloatField(min_value=0, max_value=1, allow_null=True, default=None)
    repetition_penalty = FloatField(min_value=0.5, max_value=2, allow_null=True, default=None)
    presence_penalty = FloatField(min_value=-2, max_value=2, allow_null=True, default=None)
    frequency_penalty = FloatField(min_value=-2, max_value=2, allow_null=True, default=None)
    logit_bias = LogitBiasField(allow_null=True, default=None)
    min_tokens = IntegerField(min_value=0, max_value=MAX_TOKENS, allow_null=True, default=None)
    guided_json = GuidedJsonField(allow_null=True, default=None)
    guided_regex = CharField(max_length=MAX_GRAMMAR_CHARS, allow_null=True, default=None)
    guided_choice = serializers.ListField(
        child=CharField(max_length=MAX_OPTION_CHARS, trim_whitespace=False),
        min_length=1,
        max_length=MAX_OPTIONS,
        allow_null=True,
        default=None,
    )
    stream = BooleanField(allow_null=True, default=None)
    stream_options = StreamOptionsSerializer(allow_null=True, default=None)
    user = CharField(max_length=256, allow_null=True, allow_blank=True, default=None)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(without_neutral(data, self.fields))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["stream_options"] is not None and not attrs["stream"]:
            raise serializers.ValidationError(
                {"stream_options": [_("Only together with `stream`.")]}, code="invalid"
            )
        if sum(attrs.get(name) is not None for name in GRAMMARS) > 1:
            raise serializers.ValidationError(
                {GRAMMARS[0]: [_("One form at a time: a schema, a pattern or options.")]},
                code="invalid",
            )
        return attrs


class ChatSerializer(SampledSerializer):
    """A conversation to be continued."""

    messages = MessagesField()
    max_completion_tokens = IntegerField(
        min_value=1, max_value=MAX_TOKENS, allow_null=True, default=None
    )
    response_format = ResponseFormatField(allow_null=True, default=None)
    tools = ToolsField(allow_null=True, default=None)
    tool_choice = ToolChoiceField(allow_null=True, default=None)
    metadata = serializers.DictField(allow_null=True, default=None)
    store = BooleanField(allow_null=True, default=None)
    logprobs = BooleanField(allow_null=True, default=None)
    top_logprobs = IntegerField(min_value=0, max_value=MAX_LOGPROBS, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["top_logprobs"] is not None and not attrs["logprobs"]:
            raise serializers.ValidationError(
                {"top_logprobs": [_("Only together with `logprobs`.")]}, code="invalid"
            )
        return super().validate(attrs)


class CompletionSerializer(SampledSerializer):
    """A text to be continued, or several."""

    prompt = PromptField()
    logprobs = IntegerField(
        min_value=0, max_value=MAX_LEGACY_LOGPROBS, allow_null=True, default=None
    )


def sampling(asked: dict[str, Any]) -> dict[str, Any]:
    """The request's sampling as the engine names it."""
    given = {
        "temperature": asked["temperature"],
        "top_k": asked["top_k"],
        "min_p": asked["min_p"],
        "repetition_penalty": asked["repetition_penalty"],
        "presence_penalty": asked["presence_penalty"],
        "frequency_penalty": asked["frequency_penalty"],
        "stop": asked["stop"],
        "logit_bias": asked["logit_bias"],
    }
    found = {name: value for name, value in given.items() if value is not None}
    if asked["top_p"] is not None:
        found["top_p"] = max(asked["top_p"], LEAST_TOP_P)
    if "top_logprobs" not in asked and asked["logprobs"] is not None:
        found["logprobs"] = asked["logprobs"]
    elif asked.get("top_logprobs") is not None or asked["logprobs"]:
        found["logprobs"] = asked["top_logprobs"] or 0
    # Many programs send -1 for a seed that is left to chance.
    if asked["seed"] not in (None, -1):
        found["seed"] = asked["seed"] % 2**63
    return found


def payload(asked: dict[str, Any]) -> dict[str, Any]:
    """The request as its job keeps it."""
    chat = "messages" in asked
    text = {"messages": asked["messages"]} if chat else {"prompts": asked["prompt"]}
    given = asked.get("max_completion_tokens") or asked["max_tokens"]
    most, n = given or DEFAULT_TOKENS, asked["n"] or 1
    tools, form = asked_tools(asked), asked_grammar(asked)
    if tools and form:
        raise Invalid(_("Functions and a form of the text do not go together."))
    return {
        **text,
        **tools,
        "may_cut": given is None,
        "n": n,
        "max_tokens": most,
        "min_tokens": asked["min_tokens"] or 0,
        "expected_tokens": most * n * len(text.get("prompts", [""])),
        "sampling": sampling(asked),
        "grammar": form,
    }


def check(work: dict[str, Any]) -> None:
    """Raise for what no field can see alone, such as a prompt without a visible character."""
    try:
        for prompt in work.get("prompts", [""]):
            GenerationRequest(
                id="",
                tenant="",
                max_tokens=work["max_tokens"],
                min_tokens=work["min_tokens"],
                messages=tuple(Message.read(turn) for turn in work.get("messages", ())),
                prompt=prompt,
            )
    except LimitError as error:
        field = "messages" if "messages" in work else error.field
        fault = {"pointer": f"/{field}", "code": error.code, "detail": error.message}
        raise Invalid(error.message, code=error.code, errors=[fault]) from error
