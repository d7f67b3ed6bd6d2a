"""What a name may look like: of a person, a workspace, an API key."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def name_check(value: str) -> None:
    """A name shows at least one letter or digit, hides no character, and holds no link.

    Names stand in mails to people outside: a link in one would make our mail theirs.
    """
    if not any(character.isalnum() for character in value):
        raise ValidationError(_("Use at least one letter or digit."), code="name_empty")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs"} for character in value):
        raise ValidationError(_("This holds characters that cannot be seen."), code="name_hidden")
    if "://" in value or "www." in value.lower():
        raise ValidationError(_("A name cannot hold a link."), code="name_link")
