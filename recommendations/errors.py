"""What can be wrong with a catalogue, an event or a question."""

from django.utils.translation import gettext_lazy as _

from saas.errors import AppError, Conflict, Invalid


class EventConflict(Conflict):
    code, title = "event_conflict", _("Another event was sent with this event_id.")
    advice = _("Give every event an id of its own, or leave event_id out.")


class RuleInvalid(Invalid):
    """A filter or booster that cannot be read; `position` and `length` point at the place."""

    code, title = "rule_invalid", _("The filter or booster cannot be read.")
    advice = _("Look at the place that `position` names, counted from 0.")


class QuestionInvalid(Invalid):
    code, title = "question_invalid", _("The question cannot be answered as it stands.")
    advice = _("“detail” names what is missing or does not fit.")


class AnswerExpired(AppError):
    status, code = 410, "recommendation_expired"
    title = _("This answer is too old for a next page.")
    advice = _("Ask again for a first page.")
