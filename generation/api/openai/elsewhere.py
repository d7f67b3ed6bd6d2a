"""OpenAI's addresses that are not here: each says in a sentence what there is instead."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt

from saas.errors import NotFound, problem_response

HISTORY = _("Nothing is kept between calls: send the whole history to /v1/chat/completions.")
TEXT = _("Only text is written here: ask /v1/chat/completions for it.")
INSTEAD = {
    "images": TEXT,
    "audio": TEXT,
    "videos": TEXT,
    "realtime": _("Answers are streamed: ask /v1/chat/completions with “stream”: true."),
    "moderations": _("Texts are checked by a brand's own rules: see /api/v1/contents/."),
    "assistants": HISTORY,
    "threads": HISTORY,
    "conversations": HISTORY,
    "vector_stores": _("Ask /v1/embeddings for vectors and keep them on your side."),
    "batches": _("Send each request with an Idempotency-Key; many run at a time."),
    "uploads": _("Files come in one piece: see /v1/files."),
    "evals": _("Models are compared under Teach: see /api/v1/models/."),
    "containers": _("No code is run here: call functions of your own through `tools`."),
    "organization": _("What was used stands in /api/v1/usage/."),
    "responses": _("Responses are not kept: POST /v1/responses answers at once."),
    "edits": _("Ask /v1/chat/completions for the changed text."),
}


class NotHere(NotFound):
    """One of OpenAI's addresses that this product does not have."""

    code = "not_available_here"
    advice = _("This address of OpenAI's is not here; the message says what there is instead.")


@csrf_exempt
def elsewhere(request: HttpRequest, name: str, rest: str = "") -> HttpResponseBase:
    """Answer what there is instead of the address."""
    return problem_response(NotHere(str(INSTEAD[name])), request)
