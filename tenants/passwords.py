"""Password rules beside Django's own."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tenants.models import User


class MaximumLengthValidator:
    """A password can be a long sentence, but not a way to keep the hasher busy."""

    LIMIT = 256

    def validate(self, password: str, user: User | None = None) -> None:
        if len(password) > self.LIMIT:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return _("Your password can have at most %(limit)d characters.") % {"limit": self.LIMIT}


class ProductNameValidator:
    """Our name with a few digits is the first thing that is tried."""

    NAME = "kindling"

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.lower().replace(self.NAME, "")
        if self.NAME in password.lower() and len(rest) < len(self.NAME):
            raise ValidationError(self.get_help_text(), code="password_product_name")

    def get_help_text(self) -> str:
        return _("Your password cannot be little more than our name.")
