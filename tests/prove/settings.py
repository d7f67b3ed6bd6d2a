"""The tests' settings with short leases, so that many crashes are recovered from in minutes."""

import os

from tests.settings import *  # noqa: F403

JOB_LEASE_SECONDS = int(os.environ.get("PROVE_LEASE_SECONDS", "3"))
JOB_KINDS = {
    "generate.steps": "tests.prove.kinds.steps",
    "generate.stubborn": "tests.prove.kinds.stubborn",
    "generate.suicide": "tests.prove.kinds.suicide",
    "generate.flaky": "tests.prove.kinds.flaky",
}
JOB_WORKERS = {**JOB_WORKERS, "generate": "tests.prove.copywriters.pump"}  # noqa: F405
LOGGING = {"level": "INFO", "json": False}  # noqa: F405
