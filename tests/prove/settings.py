"""The tests' settings with short leases, so that many crashes are recovered from in minutes."""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403

JOB_LEASE_SECONDS = int(os.environ.get("PROVE_LEASE_SECONDS", "3"))
INSTALLED_APPS = [*INSTALLED_APPS, "tests.prove"]  # noqa: F405
if "PROVE_MEDIA" in os.environ:  # what workers write and the proof reads
    MEDIA_ROOT = Path(os.environ["PROVE_MEDIA"])
LOGGING = {"level": "INFO", "json": False}  # noqa: F405
