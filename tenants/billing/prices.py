"""What work costs and what a workspace is given, in integer micro-credits."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from django.utils.formats import number_format
from django.utils.functional import Promise

CREDIT = 1_000_000
MONTHLY_GRANT = 1_000 * CREDIT


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work consumed."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    # Done on a model server of the workspace's own, who pays for it elsewhere.
    own_server: bool = False

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.own_server and other.own_server,
        )


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-credits for one token that is read and one that is written."""

    prompt_token: int
    completion_token: int


FREE = Rate(prompt_token=0, completion_token=0)
# A credit buys 1,000 written tokens, about two short ads.
TOKENS = Rate(prompt_token=100, completion_token=1_000)


# By the first part of a job's kind.
RATES = {"generate": TOKENS}
# Kinds of work as people call them; each app adds its own.
NAMES: dict[str, str | Promise] = {}


def price(kind: str, usage: Usage) -> int:
    """What this usage costs in a job of this kind; work without our model costs nothing."""
    rate = FREE if usage.own_server else RATES.get(kind.partition(".")[0], FREE)
    return usage.prompt_tokens * rate.prompt_token + usage.completion_tokens * rate.completion_token


def name_of(kind: str) -> str:
    """The kind of work in words; an unknown one as it is."""
    return str(NAMES.get(kind, kind))


def in_credits(amount: int) -> str:
    """Micro-credits as people read them: whole credits, with two decimals below ten."""
    decimals = 0 if abs(amount) >= 10 * CREDIT else 2
    exact = Decimal(amount) / CREDIT
    shown = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)
    return number_format(shown, decimal_pos=decimals, use_l10n=True, force_grouping=True)
