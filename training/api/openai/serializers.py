"""Fine-tuning jobs as OpenAI's clients send and read them."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from saas.api.fields import CharField, ChoiceField, FloatField, IntegerField
from saas.api.serializers import StrictSerializer
from tenants.jobs.models import Job
from tenants.validators import name_check
from training.api.openai.ids import CheckpointId, EventId, FileId, JobId
from training.api.openai.lists import seconds
from training.models import ModelVersion, TrainingEvent, TrainingRun
from training.names import name_of
from training.services.fine_tuning import DPO, SUPERVISED, Hyperparameters
from training.words import event_words

AUTO = "auto"
MOST_METADATA, METADATA_KEY, METADATA_VALUE = 16, 64, 512
FAULTS = {
    "invalid_training_file": "training_file",
    "invalid_validation_file": "validation_file",
    "model_numerical_error": "hyperparameters",
}


@extend_schema_field({"oneOf": [{"const": AUTO}, {"type": "integer", "minimum": 1}]})
class AutoInteger(IntegerField):
    """A whole number, or "auto"."""

    def to_internal_value(self, data: Any) -> Any:
        return None if data == AUTO else super().to_internal_value(data)


@extend_schema_field({"oneOf": [{"const": AUTO}, {"type": "number", "exclusiveMinimum": 0}]})
class AutoFloat(FloatField):
    """A number, or "auto"."""

    def to_internal_value(self, data: Any) -> Any:
        return None if data == AUTO else super().to_internal_value(data)


class HyperparametersSerializer(StrictSerializer):
    """ "auto" leaves a value to us."""

    n_epochs = AutoInteger(min_value=1, max_value=50, default=None)
    batch_size = AutoInteger(min_value=1, max_value=256, default=None)
    learning_rate_multiplier = AutoFloat(min_value=0.001, max_value=100, default=None)


class DpoHyperparametersSerializer(HyperparametersSerializer):
    """The same, and how far the model may move from where it was."""

    beta = AutoFloat(min_value=0.001, max_value=10, default=None)


@dataclass(frozen=True, slots=True)
class Method:
    """How to learn, and the hyperparameters of it."""

    name: str
    wanted: Hyperparameters


SETTINGS = {SUPERVISED: HyperparametersSerializer, DPO: DpoHyperparametersSerializer}


class SupervisedSerializer(StrictSerializer):
    hyperparameters = HyperparametersSerializer(required=False)


class DpoSerializer(StrictSerializer):
    hyperparameters = DpoHyperparametersSerializer(required=False)


class MethodSerializer(StrictSerializer):
    """From answers, or from what was preferred to what."""

    type = ChoiceField(choices=[(name, name) for name in SETTINGS])
    supervised = SupervisedSerializer(required=False)
    dpo = DpoSerializer(required=False)


@extend_schema_field(
    {
        "type": ["object", "null"],
        "maxProperties": MOST_METADATA,
        "additionalProperties": {"type": "string", "maxLength": METADATA_VALUE},
        "propertyNames": {"maxLength": METADATA_KEY},
    }
)
class MetadataField(serializers.Field):  # type: ignore[type-arg]
    """Up to 16 short texts by short names."""

    def to_internal_value(self, data: Any) -> dict[str, str]:
        fits = isinstance(data, dict) and len(data) <= MOST_METADATA
        if not fits or not all(len(name) <= METADATA_KEY for name in data):
            raise serializers.ValidationError(_("At most 16 names of 64 characters."), "invalid")
        if not all(isinstance(v, str) and len(v) <= METADATA_VALUE for v in data.values()):
            raise serializers.ValidationError(_("Texts of at most 512 characters."), "invalid")
        return dict(data)


class JobRequestSerializer(StrictSerializer):
    """A file to learn from, and what to learn it with."""

    model = CharField(max_length=200, help_text="The base, `kindling`, or a version to go on from.")
    training_file = CharField(max_length=80, help_text="The id of an uploaded file.")
    validation_file = CharField(max_length=80, allow_null=True, default=None)
    hyperparameters = HyperparametersSerializer(required=False, help_text="Better in `method`.")
    method = MethodSerializer(required=False, allow_null=True)
    suffix = CharField(max_length=64, validators=[name_check], allow_null=True, default=None)
    seed = IntegerField(allow_null=True, default=None)
    integrations = serializers.ListField(max_length=0, allow_null=True, required=False)
    metadata = MetadataField(allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put the method and its hyperparameters together, wherever they were given."""
        method = attrs.get("method") or {"type": SUPERVISED}
        name = method["type"]
        inner = (method.get(name) or {}).get("hyperparameters")
        given = inner or attrs.get("hyperparameters") or {}
        return {**attrs, "method": Method(name, Hyperparameters(**given))}


def status_of(run: TrainingRun) -> str:
    """The run's state in OpenAI's words; files are checked before there is a version."""
    state = run.state
    if state in Job.ACTIVE and run.version is None:
        return "validating_files"
    return {"dead": "failed"}.get(state, state)


def job_shown(run: TrainingRun) -> dict[str, Any]:
    asked, job = run.fine_tuning, run.job
    held, method = asked["validation_file"], asked["method"]
    ended = seconds(job.finished_at) if job and not run.paused else None
    left = max(0, run.estimated_seconds - int(run.seconds))
    begun = job.started_at if job and run.active else None
    return {
        "id": JobId.spell(run.pk),
        "object": "fine_tuning.job",
        "created_at": seconds(run.created_at),
        "error": error_of(run),
        "fine_tuned_model": name_of(run.model) if run.model else None,
        "finished_at": ended,
        "hyperparameters": asked["hyperparameters"],
        "model": asked["model"],
        "organization_id": f"org-{run.workspace_id.hex}",
        "result_files": [_spelt(each) for each in asked["result_files"]],
        "status": status_of(run),
        "trained_tokens": run.tokens or None,
        "training_file": _spelt(asked["training_file"]),
        "validation_file": _spelt(held) if held else None,
        "seed": asked["seed"],
        "estimated_finish": seconds(begun) + left if begun else None,  # type: ignore[operator]
        "integrations": [],
        "metadata": asked["metadata"],
        "user_provided_suffix": asked["suffix"],
        "method": {"type": method, method: {"hyperparameters": asked["hyperparameters"]}},
    }


def _spelt(key: str) -> str:
    return f"{FileId.prefix}-{key.replace('-', '')}"


def error_of(run: TrainingRun) -> dict[str, Any] | None:
    job = run.job
    if job is None or not job.error_code or run.active:
        return None
    code = job.error_code
    return {"code": code, "message": job.error_detail, "param": FAULTS.get(code)}


def event_shown(event: TrainingEvent) -> dict[str, Any]:
    code, data = event.code, event.data
    measured = {
        "step": lambda: {"step": data["step"], "train_loss": data["loss"]},
        "evaluated": lambda: {"step": data["step"], "valid_loss": data["loss"]},
    }
    metrics = measured[code]() if code in measured else {}
    return {
        "id": EventId.spell(event.pk),
        "object": "fine_tuning.job.event",
        "created_at": seconds(event.created_at),
        "level": "error" if code == "failed" else "info",
        "message": event_words(event),
        "type": "metrics" if metrics else "message",
        "data": metrics or data,
    }


def checkpoint_shown(run: TrainingRun, model: ModelVersion) -> dict[str, Any]:
    """The step whose weights became the model."""
    step = run.evaluation.get("best_step", 0)
    losses = {point[0]: point[1] for point in run.losses}
    held = {point[0]: point[1] for point in run.validations}
    return {
        "id": CheckpointId.spell(run.pk),
        "object": "fine_tuning.job.checkpoint",
        "created_at": seconds(model.created_at),
        "fine_tuned_model_checkpoint": name_of(model),
        "fine_tuning_job_id": JobId.spell(run.pk),
        "metrics": {
            "step": step,
            "train_loss": losses.get(step),
            "full_valid_loss": held.get(step),
        },
        "step_number": step,
    }


def nullable(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


STRING, INTEGER, OBJECT = {"type": "string"}, {"type": "integer"}, {"type": "object"}
STATUSES = (
    *("validating_files", "queued", "running", "paused"),
    *("succeeded", "failed", "cancelled"),
)
JOB = {
    "type": "object",
    "required": ["id", "object", "created_at", "model", "status", "training_file"],
    "properties": {
        "id": STRING,
        "object": {"const": "fine_tuning.job"},
        "created_at": INTEGER,
        "error": nullable("object"),
        "fine_tuned_model": {**nullable("string"), "description": "To be asked for as `model`."},
        "finished_at": nullable("integer"),
        "hyperparameters": OBJECT,
        "model": STRING,
        "organization_id": STRING,
        "result_files": {"type": "array", "items": STRING},
        "status": {"enum": list(STATUSES)},
        "trained_tokens": nullable("integer"),
        "training_file": STRING,
        "validation_file": nullable("string"),
        "seed": INTEGER,
        "estimated_finish": nullable("integer"),
        "integrations": {"type": "array", "items": OBJECT},
        "metadata": nullable("object"),
        "user_provided_suffix": nullable("string"),
        "method": OBJECT,
    },
}
EVENT = {
    "type": "object",
    "required": ["id", "object", "created_at", "level", "message", "type"],
    "properties": {
        "id": STRING,
        "object": {"const": "fine_tuning.job.event"},
        "created_at": INTEGER,
        "level": {"enum": ["info", "warn", "error"]},
        "message": STRING,
        "type": {"enum": ["message", "metrics"]},
        "data": OBJECT,
    },
}
CHECKPOINT = {
    "type": "object",
    "required": ["id", "object", "created_at", "fine_tuned_model_checkpoint", "step_number"],
    "properties": {
        "id": STRING,
        "object": {"const": "fine_tuning.job.checkpoint"},
        "created_at": INTEGER,
        "fine_tuned_model_checkpoint": STRING,
        "fine_tuning_job_id": STRING,
        "metrics": OBJECT,
        "step_number": INTEGER,
    },
}
