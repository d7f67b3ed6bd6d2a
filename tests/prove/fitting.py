"""kill -9 of the worker that fits a ranking model, at any moment: the last good one serves on.

python -m tests.prove.fitting --kills 10
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.prove.stage import Stage, stage

if TYPE_CHECKING:
    from tenants.jobs.models import Job
    from tenants.models import Tenant

PATIENCE_S = 300


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prove-") as folder:
        os.environ["PROVE_MEDIA"] = str(Path(folder) / "media")
        with stage(Path(folder)) as made:
            made.hire(1, "score")
            faults, fitted = killed(made, options.kills, Random(options.seed))
    print(f"attempts={options.kills} failures={len(faults)} controls_ok={fitted}")
    for fault in faults:
        print(f"  {fault}")
    return 1 if faults else 0


def killed(made: Stage, kills: int, random: Random) -> tuple[list[str], int]:
    """What went wrong, and how many models were fitted in the end."""
    from recommendations.demo import demo_shop
    from recommendations.models import RankingModel
    from recommendations.services.fitting import fitting_request
    from tenants.models import User
    from tenants.scope import tenant_scope
    from tenants.services import workspace_create

    owner = User.objects.create_user("owner@prove.test")
    tenant = workspace_create(owner=owner, name="Prove")
    faults: list[str] = []
    with tenant_scope(tenant):
        demo_shop()
        finished(made, fitting_request())
        for number in range(kills):
            before = RankingModel.objects.champion()
            job = fitting_request()
            started(made, job)
            time.sleep(random.uniform(0, 3))
            made.workers[0].kill(random.choice(["child", "both"]))
            faults += served(tenant, before, number)
            finished(made, job)
            faults += served(tenant, RankingModel.objects.champion(), number)
            faults += leftovers(tenant, number)
        return faults, RankingModel.objects.count()


def started(made: Stage, job: "Job") -> None:
    wait(made, job, ("running", "succeeded"))


def finished(made: Stage, job: "Job") -> None:
    wait(made, job, ("succeeded",))


def wait(made: Stage, job: "Job", states: tuple[str, ...]) -> None:
    from tenants.jobs.sweeper import sweep

    deadline = time.monotonic() + PATIENCE_S
    while job.state not in states:
        assert time.monotonic() < deadline, f"{job.state}\n{made.workers[0].last_words()}"
        made.keep_alive()
        sweep()
        time.sleep(0.1)
        job.refresh_from_db()


def served(tenant: "Tenant", model: object, number: int) -> list[str]:
    """Answers come, from this model, whose files are whole."""
    from recommendations.models import Person, RankingModel
    from recommendations.services.answers import Ask, recommend
    from recommendations.serving.store import models
    from recommendations.serving.trained import MANIFEST, folder_of

    assert isinstance(model, RankingModel)
    faults = []
    person = Person.objects.order_by("key")[number]
    shown = recommend(ask=Ask(count=10, person=person)).shown
    if len(shown) != 10:
        faults.append(f"{number}: {len(shown)} items in an answer")
    if models.get().current().number != RankingModel.objects.champion().number:  # type: ignore[union-attr]
        faults.append(f"{number}: another model serves than the champion")
    folder = folder_of(tenant.pk, model.pk)
    for name, sha256 in json.loads((folder / MANIFEST).read_text())["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            faults.append(f"{number}: {name} of the serving model is damaged")
    return faults


def leftovers(tenant: "Tenant", number: int) -> list[str]:
    from recommendations.serving.trained import folder_of

    found = list(folder_of(tenant.pk, tenant.pk).parent.glob("*.part"))
    return [f"{number}: {path.name} was left behind" for path in found]


if __name__ == "__main__":
    sys.exit(main())
