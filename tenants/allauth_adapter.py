"""Where our answers differ from allauth's."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import RateLimitUsage
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from tenants.errors import TooManyPasswords

# Wrong passwords from one address, from one address for one account, and for one account from
# everywhere. The second stops who guesses and leaves the owner, who sits elsewhere, alone.
WRONG_PASSWORDS = {"address": "10/m/ip", "both": "5/5m/key", "account": "100/h/key"}
WAIT_S = 300
# In the session: the page to go on to once an address is confirmed.
AFTER_CONFIRMING = "after_confirming"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Limits wrong passwords, and answers too many with 429 and a way in by mail."""

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """On to what somebody wanted to do when the address stood in the way."""
        wanted = self.request.session.pop(AFTER_CONFIRMING, "")
        usual: str = super().get_email_verification_redirect_url(email_address)
        return reverse(wanted) if wanted else usual

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        used = RateLimitUsage([])
        self._login_failed_rl_usage = used  # given back by allauth where the password is right
        for action, key in self._limits(request, **credentials):
            taken = _limiter("consume", request, action, key)
            if taken is None:
                detail = _("Wait five minutes, or set a new password by mail: that lets you in.")
                raise TooManyPasswords(detail, retry_after=WAIT_S)
            used.usage += taken.usage

    def _limits(self, request: HttpRequest, **credentials: Any) -> list[tuple[str, str]]:
        account = self._get_login_attempts_cache_key(request, **credentials)
        both = f"{account}:{ratelimit.get_ip(request)}"
        return [("address", ""), ("both", both), ("account", account)]

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Whoever set a new password by mail is let in, whatever others have guessed."""
        for action, key in self._limits(request, **credentials):
            if action != "address":
                _limiter("clear", request, action, key)


def _limiter(what: str, request: HttpRequest, action: str, key: str) -> Any:
    names = {"app": "allauth.account", "config": WRONG_PASSWORDS}
    return getattr(ratelimit, what)(request, action=action, key=key, **names)


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of second factors encrypted, so that a copy of the rows opens nothing."""

    def encrypt(self, text: str) -> str:
        return keys().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return keys().decrypt(encrypted_text.encode()).decode()


def keys() -> MultiFernet:
    """SECRET_KEY's key, and for what was written before it changed, those of its fallbacks."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([Fernet(urlsafe_b64encode(_derived(secret))) for secret in secrets])


def _derived(secret: str) -> bytes:
    return sha256(b"tenants.mfa:" + secret.encode()).digest()
