"""Having a ranking model fitted, and putting it in the place of the one before."""

import shutil
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import Interaction, Item, RankingModel
from recommendations.serving.trained import folder_of
from saas.errors import Conflict
from tenants.jobs.models import Job
from tenants.jobs.services import job_request

KIND = "recommend.fit"
# Without anybody asking, a model is fitted anew after so long, if so much has happened.
EVERY = timedelta(hours=24)
LEAST_NEWS = 50
State = RankingModel.State


class AlreadyFitting(Conflict):
    code, title = (
        "already_fitting",
        gettext_lazy("It is learning already. Look at the running jobs."),
    )
    advice = gettext_lazy("Wait for the running job, or cancel it.")


class NothingToFit(Conflict):
    code, title = (
        "catalogue_empty",
        gettext_lazy("There is nothing to learn from yet. Send items first."),
    )
    advice = gettext_lazy("Send items to /api/v1/items/.")


@transaction.atomic
def fitting_request() -> Job:
    """Have the ranking model fitted on everything until now. Raises AlreadyFitting."""
    if not Item.objects.exists():
        raise NothingToFit
    if fitting_active():
        raise AlreadyFitting
    return job_request(kind=KIND, payload={"title": str(_("Recommendations"))}, estimate=0)


def fitting_request_due() -> None:
    """Have it fitted without anybody asking, where that is due."""
    if Item.objects.exists() and not fitting_active() and fitting_due():
        fitting_request()


def fitting_active() -> bool:
    return bool(Job.objects.active().filter(kind=KIND).exists())


def fitting_last() -> Job | None:
    """The newest request to learn, in whatever state it is."""
    found: Job | None = Job.objects.filter(kind=KIND).newest().first()
    return found


def fitting_due() -> bool:
    """Whether enough has happened since the last model, and long enough ago."""
    last = RankingModel.objects.newest_first().first()
    if last is None:
        return Interaction.objects.telling()[:LEAST_NEWS].count() >= LEAST_NEWS
    if timezone.now() - last.created_at < EVERY:
        return False
    news = Interaction.objects.telling().filter(created_at__gt=last.created_at)
    return news[:LEAST_NEWS].count() >= LEAST_NEWS


def model_store(*, pk: UUID, values: dict[str, Any], wins: bool) -> RankingModel:
    """Store a fitted model, as the one that serves if it wins; in the transaction of its job.

    What clicks taught was learnt from what the champion says: if that stays, it learns it too.
    """
    last = RankingModel.objects.newest_first().first()
    champion = RankingModel.objects.champion()
    wins = wins or champion is None
    if champion is not None:
        if wins:
            champion.state = State.RETIRED
        elif values["ranker"]:
            champion.ranker = values["ranker"]
        champion.save(update_fields=["state", "ranker", "updated_at"])
    made: RankingModel = RankingModel.objects.create(
        pk=pk,
        number=last.number + 1 if last else 1,
        state=State.CHAMPION if wins else State.LOST,
        **values,
    )
    transaction.on_commit(partial(remove_files, made.workspace_id, files_kept()))
    return made


def files_kept() -> frozenset[UUID]:
    """The model that serves and the one before it, which a process may still be reading."""
    kept = RankingModel.objects.exclude(state=State.LOST).newest_first()[:2]
    return frozenset(kept.values_list("pk", flat=True))


def remove_files(tenant_id: UUID, kept: frozenset[UUID]) -> None:
    """Remove the folders of all other models, and what a killed worker left of one.

    An array that is mapped stays readable.
    """
    names = {str(pk) for pk in kept}
    for folder in folder_of(tenant_id, tenant_id).parent.iterdir():
        if folder.name not in names:
            shutil.rmtree(folder, ignore_errors=True)
