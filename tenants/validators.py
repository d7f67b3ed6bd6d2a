"""What a name may look like (of a person, a workspace, a key), and rules for passwords."""

import unicodedata
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from tenants.models import User  # the models validate by this module


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


class MaximumLengthValidator:
    """A password can be a long sentence, but not a way to keep the hasher busy."""

    LIMIT = 256

    def validate(self, password: str, user: "User | None" = None) -> None:
        if len(password) > self.LIMIT:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return _("Your password can have at most %(limit)d characters.") % {"limit": self.LIMIT}


class ProductNameValidator:
    """Our name with a few digits is the first thing that is tried."""

    NAME = "kindling"

    def validate(self, password: str, user: "User | None" = None) -> None:
        rest = password.lower().replace(self.NAME, "")
        if self.NAME in password.lower() and len(rest) < len(self.NAME):
            raise ValidationError(self.get_help_text(), code="password_product_name")

    def get_help_text(self) -> str:
        return _("Your password cannot be little more than our name.")
