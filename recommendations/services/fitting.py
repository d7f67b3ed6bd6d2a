"""Having a ranking model fitted, and putting it in the place of the one before."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recommendations.models import Interaction, Item, RankingModel
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


def model_serve(*, pk: UUID, values: dict[str, Any]) -> RankingModel:
    """Store a fitted model as the one that serves; within the transaction that ends its job."""
    last = RankingModel.objects.newest_first().first()
    RankingModel.objects.filter(state=State.CHAMPION).update(state=State.RETIRED)
    made: RankingModel = RankingModel.objects.create(
        pk=pk, number=last.number + 1 if last else 1, state=State.CHAMPION, **values
    )
    return made
