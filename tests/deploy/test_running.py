"""The handbook's commands: each is one that there is, those in `sh` blocks run as they stand."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.support.source import ROOT

PAGE = (ROOT / "docs" / "running.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXPECTED = {"check --deploy", "doctor"}  # say what a test's installation lacks


def test_every_command_is_one_that_there_is() -> None:
    commands = re.findall(r"manage\.py ([a-z_]+)", PAGE)
    assert len(commands) > 5
    assert set(commands) <= set(get_commands())
    modules = re.findall(r"python -m ([a-z_.]+)", PAGE)
    assert modules
    assert all(find_spec(module) for module in modules)


def test_every_file_that_it_names_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"`(deploy/[\w./@-]+)`", PAGE):
        assert (ROOT / path).exists(), path


@pytest.mark.prove
def test_its_blocks_run_as_they_stand(tmp_path: Path) -> None:
    """Into a fresh database, then backed up, and restored into an empty one."""
    argv = [sys.executable, "-m", "tests.deploy.handbook", str(tmp_path)]
    servers = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_ADMIN_URL", "REDIS_URL")
    env = {name: value for name, value in os.environ.items() if name not in servers}
    done = subprocess.run(argv, cwd=ROOT, env=env, check=False, timeout=900)
    assert done.returncode == 0
