"""kill -9 of worker, database and broker at random moments of training runs; then all is checked.

Every run has the same rows, recipe and seed as one that nobody disturbed, so it has to end with
the same weights to the bit and the same losses, step by step.

python -m tests.prove.teaching --kills 50      (CHAOS_SEED repeats a run)
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from tests.prove.stage import ROOT, Stage, stage

if TYPE_CHECKING:
    from training.models import Dataset, TrainingRun

# A run is given up after so many attempts, so nobody disturbs one more often than that.
MOST_KILLS = 6
PATIENCE_S = 240
RECIPE = {
    "num_train_epochs": 30.0,
    "tokens_per_step": 256,
    "max_length": 512,
    "lora_r": 4,
    "save_steps": 5,
    "sample_steps": 0,
    "early_stopping_patience": 0,
}
KINDS = {"worker": 7, "database": 2, "broker": 1}
TOY = """
from pathlib import Path; from tests.generation.engine.toys import write_toy
from tests.training.lora.conftest import WIDE; write_toy(Path({folder!r}), **WIDE)
"""

Got = TypeVar("Got")


def main() -> int:
    options = _options()
    random = Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="prove-") as folder, stage(Path(folder)) as made:
        prepare(Path(folder))
        dataset = make_dataset()
        tutor = Tutor(made, random, dataset)
        control = tutor.teach(kills=0)
        while tutor.kills < options.kills:
            tutor.teach(kills=min(MOST_KILLS, options.kills - tutor.kills))
        tutor.worker.stop()
        return judge(tutor, control, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    seed = int(os.environ.get("CHAOS_SEED") or time.time())
    parser.add_argument("--seed", type=int, default=seed)
    return parser.parse_args()


def prepare(folder: Path) -> None:
    """A toy base, made by another process: what torch has begun here would not survive a fork."""
    from django.conf import settings

    base = folder / "base"
    subprocess.run([sys.executable, "-c", TOY.format(folder=str(base))], cwd=ROOT, check=True)
    settings.BASE_MODEL, settings.MEDIA_ROOT = base, folder / "media"


def make_dataset() -> "Dataset":
    from tenants.models import Tenant, User
    from tenants.scope import tenant_scope
    from tenants.services import workspace_create
    from training.datasets.reading import Record
    from training.services.datasets import Import, dataset_create, rows_import

    owner = User.objects.create_user("tutor@prove.test", "correct horse battery")
    tenant: Tenant = workspace_create(owner=owner, name="Prove", slug="prove")
    with tenant_scope(tenant):
        dataset = dataset_create(name="Answers", task="chat", consent=True)
        rows = [{"prompt": f"What about {n}?", "answer": f"Yes, {n} is good."} for n in range(60)]
        records = [Record(n, row) for n, row in enumerate(rows, start=1)]
        how = Import({"prompt": "prompt", "answer": "answer"})
        rows_import(dataset=dataset, records=records, how=how)
    return dataset


def patient(work: Callable[[], Got]) -> Got:
    """The work, tried anew while the database is away."""
    from django.db import DatabaseError, InterfaceError, connections

    deadline = time.monotonic() + 60
    while True:
        try:
            return work()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


class Worker:
    """A forked process that does what is due on the train queue, until it is killed."""

    def __init__(self) -> None:
        self.pid = 0

    def keep_alive(self) -> None:
        if self.pid and os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            return
        from django.db import connections

        connections.close_all()
        self.pid = os.fork()
        if not self.pid:
            self._work()

    def _work(self) -> None:
        from tenants.jobs import worker

        while True:
            patient(lambda: worker.run("train", f"prove-{os.getpid()}"))
            time.sleep(0.1)

    def kill(self) -> None:
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        self.pid = 0
        self.keep_alive()

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)


class Tutor:
    """Orders runs, and disturbs them."""

    def __init__(self, made: Stage, random: Random, dataset: "Dataset") -> None:
        import training.tasks  # noqa: F401  (the workers are forked with it)

        self.stage, self.random, self.dataset = made, random, dataset
        self.worker = Worker()
        self.killed: Counter[str] = Counter()
        self.runs: list[TrainingRun] = []

    @property
    def kills(self) -> int:
        return self.killed.total()

    def teach(self, *, kills: int) -> "TrainingRun":
        """A run that is disturbed so many times, or fewer if it ends before."""
        run = patient(self._order)
        self.runs.append(run)
        wanted = self.kills + kills
        deadline = time.monotonic() + PATIENCE_S
        while (state := self._state(run)) in ("queued", "running"):
            assert time.monotonic() < deadline, f"The run is still {state}."
            self._attend()
            if state == "running" and self.kills < wanted:
                time.sleep(self.random.uniform(0.05, 2.0))
                self._disturb()
        print(f"{len(self.runs)} runs, {self.kills} kills", file=sys.stderr)
        return run

    def _order(self) -> "TrainingRun":
        from tenants.scope import tenant_scope
        from training.services.runs import run_request

        with tenant_scope(self.dataset.workspace_id):
            return run_request(dataset=self.dataset, name="Voice", effort="quick", changes=RECIPE)

    def _state(self, run: "TrainingRun") -> str:
        from tenants.jobs.models import Job
        from tenants.scope import tenant_scope

        def read() -> str:
            with tenant_scope(self.dataset.workspace_id):
                return str(Job.objects.get(pk=run.job_id).state)

        return patient(read)

    def _attend(self) -> None:
        """What the sweeper of a worker does, and what a supervisor does."""
        from tenants.jobs.sweeper import sweep

        patient(sweep)
        self.worker.keep_alive()
        time.sleep(0.1)

    def _disturb(self) -> None:
        kind = self.random.choices(list(KINDS), weights=list(KINDS.values()))[0]
        self.killed[kind] += 1
        if kind == "worker":
            self.worker.kill()
        elif kind == "database":
            self.stage.kill_database(self.random)
        else:
            self.stage.kill_broker(self.random)


def judge(tutor: Tutor, control: "TrainingRun", options: argparse.Namespace) -> int:
    from tenants.billing.services import balance
    from tenants.scope import tenant_scope
    from training.models import TrainingRun

    with tenant_scope(tutor.dataset.workspace_id):
        undisturbed = TrainingRun.objects.select_related("job", "model").get(pk=control.pk)
        ended = [
            TrainingRun.objects.select_related("job", "model").get(pk=run.pk) for run in tutor.runs
        ]
        faults = [fault for run in ended for fault in faults_of(run, undisturbed)]
        if balance().reserved:
            faults.append(f"{balance().reserved} micro-credits are still set aside")
    attempts = sum(run.job.attempt for run in ended)
    print(f"attempts={tutor.kills} failures={len(faults)} controls_ok={len(ended)}")
    print(f"seed={options.seed} kills={dict(tutor.killed)} runs={len(ended)} leases={attempts}")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def faults_of(run: "TrainingRun", control: "TrainingRun") -> list[str]:
    """What is wrong with a run that is over."""
    from tenants.billing.models import UsageEvent

    if run.job.state != "succeeded":
        return [f"{run.pk}: lost, it is {run.job.state} ({run.job.error_code})"]
    found = []
    if run.model != control.model:
        found.append(f"{run.pk}: other weights than those of a run that nobody disturbed")
    if [point[:2] for point in run.losses] != [point[:2] for point in control.losses]:
        found.append(f"{run.pk}: other losses, so other rows or another order")
    events = list(UsageEvent.objects.filter(source_id=str(run.job_id)))
    if [event.usage for event in events] != [{"train_seconds": ceil(run.seconds)}]:
        found.append(f"{run.pk}: charged {[event.usage for event in events]}")
    found += broken(run.model)
    return found


def broken(model: Any) -> list[str]:
    """Whether the stored weights are those that the version names."""
    from django.core.files.storage import default_storage

    from generation.engine.lora.peft import WEIGHTS
    from saas.storage import sha256_of
    from training.files import key

    with default_storage.open(key(model.workspace_id, model.sha256, WEIGHTS)) as weights:
        whole = sha256_of(weights) == model.sha256
    return [] if whole else [f"{model}: damaged"]


if __name__ == "__main__":
    sys.exit(main())
