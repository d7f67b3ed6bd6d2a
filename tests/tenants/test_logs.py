"""What log lines may not hold: secrets in addresses."""

import logging
import subprocess
import sys

import pytest

from tenants.logs import without_secrets

SECRET = "Zx9_secret-Secret1"


@pytest.mark.parametrize(
    "line",
    [
        '127.0.0.1:5 - "GET /invitations/{}/ HTTP/1.1" 302',
        "GET /account/password/reset/key/3x-{}/?a=1",
        "GET /account/confirm-email/MQ:{}/",
        '{{"request": "GET /api/v1/brands/?key=sk_0a1b2c3d_{}", "code": 1}}',
        "Not Found: /invitations/{}",
        "Referer: http://localhost:8000/invitations/{}.abc/ and more",
    ],
)
def test_secrets_in_addresses_are_crossed_out(line: str) -> None:
    crossed = without_secrets(line.format(SECRET))
    assert "ecret1" not in crossed
    assert "***" in crossed


@pytest.mark.parametrize(
    "line", ["GET /invitations/ 200", "POST /invitations/switch/ 302", "/account/password/reset/"]
)
def test_other_addresses_stay(line: str) -> None:
    assert without_secrets(line) == line


PROGRAM = f"""
import logging.config, uvicorn
uvicorn.Config("saas.asgi:application")  # sets its own handlers, as the command does
from tenants.logs import configure
configure({{"level": "INFO", "json": True}})
access = logging.getLogger("uvicorn.access")
access.warning('%s - "%s %s HTTP/%s" %d', "::1", "GET", "/invitations/{SECRET}/", "1.1", 302)
try:
    raise ValueError("/invitations/{SECRET}/")
except ValueError:
    logging.getLogger("django.request").exception("Bug: %s", "/invitations/{SECRET}/")
"""


def test_no_program_logs_them() -> None:
    """uvicorn's access lines, ours and tracebacks, as the web server writes them."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert SECRET not in said
    assert said.count("/invitations/***") >= 3
    assert logging.getLogger("django.request").name in said
