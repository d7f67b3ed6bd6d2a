"""Why a text is not written, changed or published."""

from django.utils.translation import gettext_lazy as _

from saas.errors import AppError, Conflict, Invalid


class WrongStatus(Conflict):
    code = "wrong_status"
    advice = _("The content's “state” does not allow this step of its review.")


class NotApproved(Conflict):
    code = "not_approved"
    advice = _("Only a text that is approved can be published.")


class VariantInProgress(Conflict):
    code = "variant_in_progress"
    advice = _("Wait until the variant is written, or stop it first.")


class VariantNotReady(Conflict):
    code = "variant_not_ready"
    advice = _("The variant has no text yet.")


class TooManyVariants(Conflict):
    code = "too_many_variants"
    advice = _("A brief has at most eight variants.")


class GenerationCancelled(Conflict):
    code = "cancelled"
    advice = _("The work was stopped before it was done.")


class PromptEmpty(Invalid):
    code = "prompt_empty"
    advice = _("The prompt holds no visible character.")


class ContextLengthExceeded(Invalid):
    code = "context_length_exceeded"
    advice = _("The prompt and the answer do not fit the model together (see “limit”).")


class GenerationFailed(AppError):
    """The engine could not do what was asked; nothing was charged."""

    code, title = "generation_failed", _("The text could not be written.")
    advice = _("The text could not be written; nothing was charged.")
