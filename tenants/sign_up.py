"""Signing up, so that the answer and its time tell nobody whether an address is known."""

import secrets
from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django.db import transaction
from django.http import HttpRequest

from tenants.quotas import refuse_more_sign_ups


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """allauth's form; it asks what `tenants.forms.WorkspaceSignupForm` adds to it."""

    def try_save(self, request: HttpRequest) -> Any:
        refuse_more_sign_ups(request.META["REMOTE_ADDR"])
        if self.account_already_exists:
            self._work_as_for_a_fresh_address(request)
        return super().try_save(request)

    def _work_as_for_a_fresh_address(self, request: HttpRequest) -> None:
        """Make the same rows for nobody and take them back."""
        known = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{secrets.token_hex(16)}@nobody.invalid"
        self.account_already_exists = False
        with transaction.atomic():
            self.save(request)
            transaction.set_rollback(True)
        self.cleaned_data["email"] = known
        self.account_already_exists = True
