"""Mails: each is a trio of templates (subject, text, HTML) and leaves once the change is saved."""

from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string


def mail_on_commit(*, template: str, to: str, context: dict[str, Any]) -> None:
    """Send `<template>_subject.txt`, `.txt` and `.html` when the transaction has committed.

    A mail server that is down is logged and does not undo what was saved: mails can be resent.
    """
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    message = EmailMultiAlternatives(subject, render_to_string(f"{template}.txt", context), to=[to])
    message.attach_alternative(render_to_string(f"{template}.html", context), "text/html")
    transaction.on_commit(message.send, robust=True)
