"""Where our answers differ from allauth's."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from saas.errors import TooManyRequests


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Answers too many wrong passwords with 429 and a time to come back."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            detail = _("Too many wrong passwords. Wait five minutes, then try again.")
            raise TooManyRequests(detail, retry_after=300) from error
