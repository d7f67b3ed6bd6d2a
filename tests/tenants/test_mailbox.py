"""The demo's mailbox: mails as files of one's own, and the page that shows them."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import Client

from saas.env import local_only

pytestmark = pytest.mark.django_db
TEXT = "Take it here:\nhttp://localhost:8000/invitations/abc/"


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.MAIL_FOLDER = tmp_path / "mail"
    return tmp_path / "mail"


def send(subject: str) -> None:
    backend = get_connection("tenants.mailbox.FolderBackend")
    mail = EmailMultiAlternatives(subject, TEXT, to=["dora@new.test"], connection=backend)
    mail.attach_alternative("<p>Take it <script>here</script></p>", "text/html")
    assert mail.send() == 1


def test_mails_are_files_that_nobody_else_reads(folder: Path) -> None:
    send("Grüße")
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_the_page_shows_the_newest_first_with_links(folder: Path, client: Client) -> None:
    send("First")
    send("Zweite Grüße <b>")
    page = client.get("/mailbox/").content.decode()
    assert page.index("Zweite Grüße &lt;b&gt;") < page.index("First")
    assert 'href="http://localhost:8000/invitations/abc/"' in page
    assert "dora@new.test" in page
    assert "<script>here" not in page


def test_the_page_before_the_first_mail(folder: Path, client: Client) -> None:
    assert "No mails yet" in client.get("/mailbox/").content.decode()


def test_no_server_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not local_only("MAILBOX", "https://kindling.example")
    monkeypatch.setenv("MAILBOX", "True")
    assert local_only("MAILBOX", "http://localhost:8000")
    with pytest.raises(ImproperlyConfigured, match="localhost"):
        local_only("MAILBOX", "https://kindling.example")
