"""Why an adapter is not taken or not used, in words that say what to do."""

import json
from typing import Any

from django.utils.translation import gettext_lazy as _

from generation.engine.lora.base_model import BaseModel
from generation.engine.lora.peft import MAX_RANK
from generation.engine.lora.tensors import FormatError
from saas.errors import Conflict, Invalid, NotFound, UnsupportedMedia
from training.models import ModelVersion

REASONS = {
    "header": _("This is not a safetensors file, or it is damaged."),
    "offsets": _("The file is cut off or damaged: its parts do not fill it exactly."),
    "dtype": _("The file holds numbers that are not F32, F16 or BF16."),
    "not_finite": _("The file holds numbers that are infinite, too large, or none at all (NaN)."),
    "shape": _("The sizes do not fit the base model or the rank in the settings file."),
    "unknown_tensor": _("The file holds parts that the base model has no place for."),
    "empty": _("The file holds no adapter."),
    "config": _("The settings file is no JSON object in UTF-8 of at most 64 KiB."),
    "rank": _("The rank (r) must be a whole number from 1 to {most}."),
    "auto_map": _("The settings file asks to load code (auto_map). Remove that and try again."),
    "location": _(
        "The setting {setting} names an address or a path on some computer. Write the plain name "
        "of the base model there instead."
    ),
    "text": _(
        "The setting {setting} holds characters that no text may have (NUL, half a surrogate "
        "pair). Remove them and try again."
    ),
}
IN_CONFIG = {"config", "rank", "auto_map", "location", "text"}
ONE_FOR_ALL = _("Train with the same rank and alpha in all modules.")
NOT_KEPT = _("Train without it: what it adds is no part of the sum that LoRA adds to the base.")
# What to do about a setting that a plain LoRA adapter does not have.
CURES = {
    "peft_type": _("Only LORA is taken. Train a LoRA adapter."),
    "init_lora_weights": _(
        "It changes the base model. Save the adapter anew with PEFT's "
        "path_initial_model_for_weight_conversion, or train from the usual beginning."
    ),
    "lora_alpha": _("It must be a number other than 0, and at most 1,000,000."),
    "bias": _("Train with bias “none”."),
    "rank_pattern": ONE_FOR_ALL,
    "alpha_pattern": ONE_FOR_ALL,
    "use_dora": _("DoRA also scales the base. Train with use_dora off."),
    "fan_in_fan_out": _("The base has no layers that are stored turned round. Switch it off."),
    "layer_replication": _("It makes a deeper model than the base. Train without it."),
    "modules_to_save": _("Whole layers cannot be exchanged for one workspace. Train without it."),
    "trainable_token_indices": _("The vocabulary is shared by all. Train without it."),
}


class ModelNotFound(NotFound):
    code = "model_not_found"
    advice = _("GET /v1/models lists the models that there are.")


class UnsafeFormat(UnsupportedMedia):
    """A file that could run code when it is loaded."""

    code = "unsafe_model_format"
    advice = _("Files of this kind can run code when they are opened. Send safetensors instead.")

    def __init__(self) -> None:
        super().__init__(
            _("This kind of file can run code when it is opened. Save the adapter as safetensors.")
        )


class AdapterInvalid(Invalid):
    """The adapter's files are not what they must be; `reason` is a stable word for how."""

    code = "adapter_invalid"
    advice = _("The adapter's files are not as they must be. “reason” and “errors” say how.")

    def __init__(self, found: FormatError) -> None:
        detail = words_for(found)
        pointer = "/config" if found.reason in IN_CONFIG else "/weights"
        error = {"pointer": pointer, "code": self.code, "detail": detail}
        told = {"setting": found.setting} if found.setting else {}
        super().__init__(detail, reason=found.reason, errors=[error], **told)


def words_for(found: FormatError) -> str:
    """Which setting or file is at fault, and what to do about it."""
    if found.reason != "config" or not found.setting:
        return str(REASONS[found.reason]).format(most=MAX_RANK, setting=found.setting)
    value = json.dumps(found.value, ensure_ascii=False)[:60]
    cure = CURES.get(found.setting, NOT_KEPT)
    words = {"setting": found.setting, "value": value, "cure": cure}
    return str(_("%(setting)s is %(value)s here. %(cure)s") % words)


class BaseMismatch(Conflict):
    """The adapter was made for other weights than those that write here now."""

    code = "adapter_base_mismatch"
    advice = _(
        "The adapter was made for another base model than the one that writes now. Switch "
        "back to the base model, or bring an adapter for the new one."
    )

    def __init__(self, detail: Any, *, needed: str, base: BaseModel | None) -> None:
        super().__init__(detail, needed=needed, base_sha256=base.sha256 if base else None)


class AdapterNotAvailable(Conflict):
    """The version is on hold or deleted; `state` says which."""

    code = "adapter_not_available"
    advice = _("The model is on hold or deleted (see “state”). Resume it, or switch to another.")

    def __init__(self, version: ModelVersion) -> None:
        held = _("“%(name)s” is on hold. Resume it, or switch to another model first.")
        gone = _("“%(name)s” was deleted. Switch to another model.")
        text = held if version.state == ModelVersion.State.QUARANTINED else gone
        super().__init__(text % {"name": version.name}, state=str(version.state))


class ModelLive(Conflict):
    code = "model_live"
    advice = _("Switch to another model before you delete this one.")


class TooManyModels(Conflict):
    code = "too_many_models"
    advice = _("Delete models that you no longer need (see “allowed”).")


class NothingToRollBack(Conflict):
    code = "nothing_to_roll_back"
    advice = _("The workspace writes with the base model already.")


class DatasetTooSmall(Invalid):
    code, title = "dataset_too_small", _("The dataset has too few rows to learn from.")
    advice = _("Add more rows: at least eight, better sixty or more.")


class DatasetDegenerate(Invalid):
    code, title = "dataset_degenerate", _("There is nothing to tell apart in this dataset.")
    advice = _("Give at least two labels, each with some rows.")


class GroupSplitConflict(Conflict):
    code, title = "group_split_conflict", _("All rows belong to one group.")
    advice = _("Rows of one group are never parted, so nothing would be left to test with.")


class DatasetInUse(Conflict):
    code, title = "dataset_in_use", _("Models were taught with this dataset.")
    advice = _("Keep it, so that their origin stays known; its rows can be deleted.")


class TrainingInProgress(Conflict):
    code, title = "training_in_progress", _("Something is being taught with this dataset already.")
    advice = _("Wait until it is done, or cancel it.")


class RecipeInvalid(Invalid):
    code, title = "recipe_invalid", _("A setting of the training is out of its range.")
    advice = _("“detail” names the setting and the values that it takes.")


class FileNotTaken(Invalid):
    """A file that cannot be read as rows; `errors` name the places."""

    code, title = "file_not_taken", _("The file cannot be read.")
    advice = _("Mend the places that “errors” names, or save it as CSV in UTF-8.")


class QualityGate(Invalid):
    """A run whose result is no better than chance."""

    code, title = "quality_gate", _("It learnt nothing that holds for texts it has not seen.")
    advice = _("Check that the labels are right, and give more rows of each. Nothing was changed.")


class NotBetter(Conflict):
    """A model that has not won may only go live by an owner's word, with a reason."""

    code, title = "not_better", _("It is not surely better than what works now.")
    advice = _("An owner of the workspace can make it live all the same, with a “reason”.")


class NotPredicting(Conflict):
    """The model writes; it has no labels to give."""

    code, title = "model_writes", _("This model writes copy. It sorts nothing and finds nothing.")
    advice = _("Choose a model that was taught with labels or marked places.")


class HeadUnusable(Conflict):
    """The head's files are gone, or it stands on an encoder that is not here."""

    code, title = "head_unusable", _("This model cannot work here at the moment.")
    advice = _("Teach it anew with its dataset; its files or its encoder are not here any more.")


class TextTooLong(Invalid):
    code, title = "text_too_long", _("A text has more than 50,000 characters.")
    advice = _("Shorten the text, or send it in parts.")


class RowsTooLong(Invalid):
    code, title = "rows_too_long", _("Too many rows are longer than the model reads.")
    advice = _("Shorten them, or raise max_length.")


class TrainingFileInvalid(Invalid):
    """A file that a run cannot learn from; known only once it is read."""

    code, title = "invalid_training_file", _("The training file cannot be learnt from.")
    advice = _("Mend the lines that the message names, and upload the file again.")


class ValidationFileInvalid(Invalid):
    code, title = "invalid_validation_file", _("The validation file cannot be used.")
    advice = _("Mend the lines that the message names, and upload the file again.")


class FileInUse(Conflict):
    code, title = "file_in_use", _("A run that has begun needs this file.")
    advice = _("Wait until the run is done, or cancel it.")


class RunNotPaused(Conflict):
    code, title = "run_not_paused", _("This run is not paused.")
    advice = _("Only a paused run can be resumed.")


class RunOver(Conflict):
    code, title = "run_over", _("This run is over.")
    advice = _("Only a run that waits or runs can be paused.")


class SourceUnknown(Invalid):
    code, title = "source_unknown", _("There is no such source of rows for this dataset.")
    advice = _("GET /api/v1/datasets/{id}/sources/ lists the sources for a dataset's task.")
