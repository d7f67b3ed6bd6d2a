"""What can keep a job from being queued, or its events from being read."""

from django.utils.translation import gettext_lazy as _

from saas.errors import Gone, TooManyRequests


class QueueFull(TooManyRequests):
    code = "queue_full"
    advice = _("Wait until some of the waiting texts are written.")


class StreamExpired(Gone):
    code = "stream_expired"
    advice = _("The text can be read as a whole from its own address.")
