"""What is wrong with a rule, and where."""

from __future__ import annotations

MESSAGES = {
    "too_long": "A rule may have at most {limit} characters.",
    "too_deep": "The rule is nested too deeply; at most {limit} levels.",
    "unknown_character": "{found} is not part of the language.",
    "open_quote": "A quote is missing at the end of this text.",
    "bad_number": "{found} is not a number, or too large.",
    "unexpected": "Expected {expected} here, found {found}.",
    "unknown_attribute": "No item has an attribute {found}.",
    "unknown_function": "There is no function {found}; there are {known}.",
    "arguments": "{found} takes {expected} values.",
    "wrong_type": "{found} needs {expected} here, not {given}.",
    "not_a_filter": "A filter must be true or false; this is {given}.",
    "not_a_booster": "A booster must be a number; this is {given}.",
}


class RuleError(ValueError):
    """`position` and `length` mark the place in the text; `code` and `details` tell the reason.

    The message is English; whoever shows it may put another in MESSAGES[code]'s place.
    """

    def __init__(self, code: str, position: int, length: int = 1, **details: object) -> None:
        self.code, self.position, self.length = code, position, max(1, length)
        self.details = details
        super().__init__(MESSAGES[code].format(**details))

    def marked(self, text: str) -> str:
        """The rule with the place underlined, for a terminal."""
        return f"{text}\n{' ' * self.position}{'^' * self.length} {self}"
