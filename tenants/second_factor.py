"""The forms that ask for a second factor: too many guesses are answered with 429."""

from collections.abc import Callable

from allauth.mfa.base import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tenants.errors import TooManyCodes

WAIT_S = 300


class AuthenticateForm(forms.AuthenticateForm):  # type: ignore[misc]
    """Asks at sign-in."""

    def clean_code(self) -> str:
        return checked(super().clean_code)


class ReauthenticateForm(forms.ReauthenticateForm):  # type: ignore[misc]
    """Asks again before something that matters."""

    def clean_code(self) -> str:
        return checked(super().clean_code)


def checked(clean: Callable[[], str]) -> str:
    """The code that was typed; raises TooManyCodes where allauth's limit is reached."""
    try:
        return clean()
    except ValidationError as error:
        if error.code != "too_many_login_attempts":
            raise
        detail = _("Too many wrong codes. Wait five minutes, or use a passkey.")
        raise TooManyCodes(detail, retry_after=WAIT_S) from error
