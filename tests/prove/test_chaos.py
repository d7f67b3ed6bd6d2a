"""The proofs that need processes of their own to kill, each run as the program that it is."""

import subprocess
import sys

import pytest

from tests.prove.stage import ROOT, clean_environment

pytestmark = pytest.mark.prove


def prove(program: str, *options: str, lease: int = 3) -> None:
    argv = [sys.executable, "-m", f"tests.prove.{program}", *options]
    env = {**clean_environment(), "PROVE_LEASE_SECONDS": str(lease)}
    done = subprocess.run(argv, cwd=ROOT, env=env, check=False, timeout=3600)
    assert done.returncode == 0


def test_nothing_is_lost_or_done_twice_when_workers_and_the_broker_are_killed() -> None:
    prove("chaos", "--kills", "200", "--broker-kills", "20")


def test_no_training_is_lost_charged_twice_or_changed_when_anything_is_killed() -> None:
    prove("teaching", "--kills", "50")


def test_no_copy_is_lost_or_charged_twice_when_its_writers_are_killed() -> None:
    prove("chaos", "--copy", "--kills", "60", "--broker-kills", "6")


def test_workers_that_stop_in_good_order_lose_no_attempt() -> None:
    prove("chaos", "--kills", "0", "--broker-kills", "0", "--stops", "20", lease=15)


def test_a_paused_worker_commits_nothing_late() -> None:
    prove("paused", "--times", "10")


POSTGRES = "postgres-kill=30,postgres-stop:4=10,postgres-stop:70=2,postgres-hang:20=5"
VALKEY = "valkey-kill=10,valkey-hang:78=1,valkey-hang:10=3,valkey-forgets=5,valkey-full:10=2"


@pytest.mark.parametrize("faults", [POSTGRES, VALKEY], ids=["postgres", "valkey"])
@pytest.mark.parametrize("load", [[], ["--copy"]], ids=["jobs", "copy"])
def test_outages_lose_nothing_and_work_goes_on_at_once(faults: str, load: list[str]) -> None:
    prove("outages", "--faults", faults, *load, lease=30)


def test_paused_and_killed_workers_use_up_no_attempt() -> None:
    prove("outages", "--faults", "worker-pause:9=5,worker-kill=10")


def test_the_last_model_serves_on_when_the_one_that_fits_the_next_is_killed() -> None:
    prove("fitting", "--kills", "10")
