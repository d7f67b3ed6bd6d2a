"""The project's settings with the few names that tests need otherwise."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "tests-only")
os.environ.setdefault("DATABASE_POOL", "False")

from saas.settings import *  # noqa: E402, F403

DEBUG = False
ENGINE = "echo"
ENGINE_OPTIONS: dict[str, object] = {}
STORAGES = {
    "default": {"BACKEND": "saas.storage.DurableStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Files of one run of the tests, also of the servers that it starts.
FILES = Path(os.environ.setdefault("TEST_FILES", tempfile.mkdtemp(prefix="kindling-tests-")))
atexit.register(shutil.rmtree, FILES, ignore_errors=True)
MEDIA_ROOT = FILES / "media"
ADAPTER_CACHE = FILES / "cache"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MAIL_FOLDER = FILES / "mail"
MAILBOX = True
ALLOWED_HOSTS = ["*"]
