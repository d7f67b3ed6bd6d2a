"""What is wrong with a filter or booster, in the reader's language."""

from django.utils.translation import gettext, gettext_noop

from recommendations.ranking.rules import RuleError

MESSAGES = {
    "too_long": gettext_noop("A rule may have at most {limit} characters."),
    "too_deep": gettext_noop("The rule is nested too deeply; at most {limit} levels."),
    "unknown_character": gettext_noop("{found} is not part of the language."),
    "open_quote": gettext_noop("A quote is missing at the end of this text."),
    "bad_number": gettext_noop("{found} is not a number, or too large."),
    "unexpected": gettext_noop("Expected {expected} here, found {found}."),
    "unknown_attribute": gettext_noop("No item has an attribute {found}."),
    "unknown_function": gettext_noop("There is no function {found}; there are {known}."),
    "arguments": gettext_noop("{found} takes {expected} values."),
    "wrong_type": gettext_noop("{found} needs {expected} here, not {given}."),
    "not_a_filter": gettext_noop("A filter must be true or false; this is {given}."),
    "not_a_booster": gettext_noop("A booster must be a number; this is {given}."),
}


def rule_message(error: RuleError, text: str) -> str:
    """The reason, and the words of the rule that it is about."""
    reason = gettext(MESSAGES[error.code]).format(**error.details)
    place = text[error.position : error.position + error.length].strip()
    return f"{reason} → {place}" if place else reason
