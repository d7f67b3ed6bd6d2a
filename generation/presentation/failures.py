"""Why a text was not written, in words for whoever ordered it; by the code of the failure."""

from django.utils.translation import gettext_noop

# They are stored as they stand here, and translated when they are shown.
USER_MESSAGES = {
    "internal_error": gettext_noop("The writing stopped unexpectedly. Have it written again."),
    "context_length_exceeded": gettext_noop(
        "The brief is too long for the model. Shorten it, or ask for a shorter text."
    ),
    "output_blocked": gettext_noop(
        "The model found no way around the banned terms. Have it written again, or ban fewer."
    ),
    "model_numerical_error": gettext_noop(
        "The model failed on this text. Nothing was charged; have it written again."
    ),
    "answer_unreadable": gettext_noop(
        "The model's answer did not have the parts that were asked for. Have it written again."
    ),
    "queue_full": gettext_noop("Too much was waiting to be written. Try again in a moment."),
    "adapter_not_available": gettext_noop(
        "The model that this was to be written with is not there any more. Look under Teach."
    ),
    "adapter_base_mismatch": gettext_noop(
        "Your model was made for another base model than the one that writes now. Look under Teach."
    ),
    "adapter_invalid": gettext_noop("The files of your model are damaged. Bring it anew."),
    "model_missing": gettext_noop("The model that writes is not installed. Tell your operator."),
    "device_missing": gettext_noop("The model that writes cannot run here. Tell your operator."),
    "model_unsupported": gettext_noop("The model that writes cannot run here. Tell your operator."),
}
