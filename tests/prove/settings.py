"""The tests' settings with short leases, so that many crashes are recovered from in minutes."""

import os

from tests.settings import *  # noqa: F403

JOB_LEASE_SECONDS = int(os.environ.get("PROVE_LEASE_SECONDS", "3"))
INSTALLED_APPS = [*INSTALLED_APPS, "tests.prove"]  # noqa: F405
LOGGING = {"level": "INFO", "json": False}  # noqa: F405
