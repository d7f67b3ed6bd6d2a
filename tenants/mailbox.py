"""Mails as files: where they go until EMAIL_URL names a server, and what the demo's mailbox reads.

They hold links with secrets, so they are files of the server's own user, and no log lines.
"""

import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

SHOWN = 30


class FolderBackend(BaseEmailBackend):
    """Writes each mail into a file of its own in settings.MAIL_FOLDER."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder: Path = settings.MAIL_FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            path = folder / f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.message().as_bytes())
        return len(email_messages)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was sent, as a person reads it."""

    to: str
    subject: str
    sent_at: datetime
    text: str

    @classmethod
    def read(cls, path: Path) -> "Mail":
        found = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(found, Parsed)
        body = found.get_body(("plain", "html"))
        return cls(
            to=str(found["To"]),
            subject=str(found["Subject"]),
            sent_at=parsedate_to_datetime(str(found["Date"])),
            text=body.get_content() if body else "",
        )


def newest_mails() -> list[Mail]:
    """The last mails that were sent, newest first; their files' names grow with time."""
    paths = sorted(settings.MAIL_FOLDER.glob("*.eml"), reverse=True)
    return [Mail.read(path) for path in paths[:SHOWN]]
