"""/v1/fine_tuning/jobs: runs over uploaded files, in the words of OpenAI's clients."""

from collections.abc import Callable
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from saas.api.views import ApiView
from saas.errors import Invalid, NotFound
from tenants.idempotency.api import idempotent
from training import base_model
from training.api.openai.ids import CheckpointId, EventId, FileId, JobId
from training.api.openai.lists import PARAMETERS, list_schema, listed, page_of
from training.api.openai.serializers import (
    CHECKPOINT,
    EVENT,
    JOB,
    JobRequestSerializer,
    checkpoint_shown,
    event_shown,
    job_shown,
)
from training.models import ModelVersion, TrainingFile, TrainingRun
from training.names import OWN, version_named
from training.services import live_version, usable
from training.services.fine_tuning import Order, fine_tuning_request
from training.services.runs import run_cancel, run_pause, run_resume

Purpose = TrainingFile.Purpose
RELATED = ("job", "model", "version")


def found(pk: UUID) -> TrainingRun:
    """The run; raises NotFound."""
    run = TrainingRun.objects.fine_tuning_jobs().select_related(*RELATED).filter(pk=pk).first()
    if run is None:
        raise NotFound
    return run


class JobList(ApiView):
    """The fine-tuning jobs, newest first."""

    tag = "openai"
    role = "admin"
    problems = (402,)
    parameters = PARAMETERS

    @extend_schema(operation_id="openai_fine_tuning_list", responses={200: list_schema(JOB)})
    def get(self, request: Request) -> Response:
        rows = TrainingRun.objects.fine_tuning_jobs().select_related(*RELATED)
        return listed(request, rows, job_shown, kind=JobId)

    @extend_schema(
        operation_id="openai_fine_tuning_create",
        request=JobRequestSerializer,
        responses={200: JOB},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Have a model taught from an uploaded file."""
        asked = JobRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        order = Order(
            model=given["model"],
            training_file=file_of(given["training_file"], "training_file"),
            validation_file=held_out(given["validation_file"]),
            method=given["method"].name,
            wanted=given["method"].wanted,
            start_from=parent(given["model"]),
            suffix=given["suffix"] or "",
            seed=given["seed"],
            metadata=given["metadata"],
        )
        return Response(job_shown(fine_tuning_request(order=order)))


def file_of(text: str, field: str) -> TrainingFile:
    """The uploaded file of this id; raises Invalid as OpenAI does."""
    files = TrainingFile.objects.filter(purpose=Purpose.FINE_TUNE)
    key = FileId.read(text)
    file = files.filter(pk=key).first() if key else None
    if file is None:
        detail = _("There is no file “%s” to learn from.") % text[:80]
        raise Invalid(errors=[{"pointer": f"/{field}", "code": "file_not_found", "detail": detail}])
    return file


def held_out(text: str | None) -> TrainingFile | None:
    return file_of(text, "validation_file") if text else None


def parent(name: str) -> ModelVersion | None:
    """What to go on from: the base, what is live, or a version. Raises ModelNotFound."""
    under = base_model.current()
    if under is not None and name == under.name:
        return None
    version = live_version() if name == OWN else version_named(name)
    return usable(version) if version else None


class JobDetail(ApiView):
    """One fine-tuning job."""

    tag = "openai"

    @extend_schema(operation_id="openai_fine_tuning_retrieve", responses={200: JOB})
    def get(self, request: Request, pk: UUID) -> Response:
        return Response(job_shown(found(pk)))


class JobAction(ApiView):
    """Does something with a job and shows it."""

    tag = "openai"
    role = "admin"
    problems = (402,)
    act: Callable[..., TrainingRun]

    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        type(self).act(run=found(pk))
        return Response(job_shown(found(pk)))


def described(name: str) -> Callable[[type[JobAction]], type[JobAction]]:
    operation = extend_schema(operation_id=name, request=None, responses={200: JOB})
    return extend_schema_view(post=operation)


@described("openai_fine_tuning_cancel")
class JobCancel(JobAction):
    """Cancel a job; what it has learnt is not kept."""

    act = staticmethod(run_cancel)


@described("openai_fine_tuning_pause")
class JobPause(JobAction):
    """Pause a job after the step that it is at."""

    act = staticmethod(run_pause)


@described("openai_fine_tuning_resume")
class JobResume(JobAction):
    """Let a paused job go on."""

    act = staticmethod(run_resume)


class JobEvents(ApiView):
    """What has happened in a job, newest first."""

    tag = "openai"
    parameters = PARAMETERS

    @extend_schema(operation_id="openai_fine_tuning_events", responses={200: list_schema(EVENT)})
    def get(self, request: Request, pk: UUID) -> Response:
        return listed(request, found(pk).events.all(), event_shown, kind=EventId)


class JobCheckpoints(ApiView):
    """The steps whose weights can be asked for: of a job that is done, its best one."""

    tag = "openai"
    parameters = PARAMETERS

    @extend_schema(
        operation_id="openai_fine_tuning_checkpoints", responses={200: list_schema(CHECKPOINT)}
    )
    def get(self, request: Request, pk: UUID) -> Response:
        run = found(pk)
        data = [checkpoint_shown(run, run.model)] if run.model else []
        if request.query_params.get("after") == CheckpointId.spell(run.pk):
            data = []
        return Response(page_of(data, has_more=False))
