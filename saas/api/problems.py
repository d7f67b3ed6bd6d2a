"""Every problem that the API can answer with: its code, its status and what to do about it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from saas.errors import NotFound


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One code. `advice` tells a caller what it means and what to do."""

    code: str
    status: int
    advice: Any


PROBLEMS = {
    problem.code: problem
    for problem in (
        ProblemType("bad_request", 400, _("The server could not read the request at all.")),
        ProblemType(
            "json_malformed",
            400,
            _(
                "The body is not JSON as RFC 8259 has it. NaN, a name that stands twice in one "
                "object, half a surrogate pair and very deep nesting are refused too."
            ),
        ),
        ProblemType(
            "key_in_url",
            400,
            _(
                "An API key stood in the URL, where logs and histories keep it. Revoke that key "
                "and send the new one as “Authorization: Bearer …”."
            ),
        ),
        ProblemType(
            "idempotency_key_missing",
            400,
            _("This call costs credits and needs an Idempotency-Key, so that it can be retried."),
        ),
        ProblemType(
            "idempotency_key_invalid",
            400,
            _("An Idempotency-Key has 1 to 255 printable ASCII characters."),
        ),
        ProblemType(
            "not_authenticated",
            401,
            _("Send a live API key as “Authorization: Bearer …”. It is made under Settings, Keys."),
        ),
        ProblemType(
            "insufficient_credits",
            402,
            _("The workspace has fewer credits left than this could cost (see “required”)."),
        ),
        ProblemType("insufficient_role", 403, _("A member with another role may do this.")),
        ProblemType("insufficient_scope", 403, _("Use a key with the scope that “detail” names.")),
        ProblemType("invitation_for_other", 403, _("Sign in with the address that was invited.")),
        ProblemType("csrf_failed", 403, _("The form has expired. Load the page again.")),
        ProblemType(
            "tenant_suspended", 403, _("The workspace is suspended. Ask its operator about it.")
        ),
        ProblemType(
            "not_found", 404, _("There is no such address, or nothing there that you may see.")
        ),
        ProblemType("model_not_found", 404, _("GET /v1/models lists the models that there are.")),
        ProblemType(
            "method_not_allowed", 405, _("The “Allow” header names the methods that are there.")
        ),
        ProblemType("not_acceptable", 406, _("This address answers with application/json.")),
        ProblemType(
            "conflict", 409, _("Read the object again: its state does not allow this any more.")
        ),
        ProblemType(
            "in_use", 409, _("Other objects refer to this one. Change or delete them first.")
        ),
        ProblemType(
            "already_exists", 409, _("Another object of the workspace has this name already.")
        ),
        ProblemType(
            "wrong_status", 409, _("The content's “state” does not allow this step of its review.")
        ),
        ProblemType("not_approved", 409, _("Only a text that is approved can be published.")),
        ProblemType(
            "variant_in_progress", 409, _("Wait until the variant is written, or stop it first.")
        ),
        ProblemType("variant_not_ready", 409, _("The variant has no text yet.")),
        ProblemType("too_many_variants", 409, _("A brief has at most eight variants.")),
        ProblemType("cancelled", 409, _("The work was stopped before it was done.")),
        ProblemType(
            "idempotency_in_progress",
            409,
            _("The first call with this Idempotency-Key still runs. Ask again in a second."),
        ),
        ProblemType(
            "adapter_not_available",
            409,
            _("The model is on hold or deleted (see “state”). Resume it, or switch to another."),
        ),
        ProblemType(
            "adapter_base_mismatch",
            409,
            _(
                "The adapter was made for another base model than the one that writes now. Switch "
                "back to the base model, or bring an adapter for the new one."
            ),
        ),
        ProblemType("model_live", 409, _("Switch to another model before you delete this one.")),
        ProblemType(
            "too_many_models", 409, _("Delete models that you no longer need (see “limit”).")
        ),
        ProblemType(
            "nothing_to_roll_back", 409, _("The workspace writes with the base model already.")
        ),
        ProblemType("already_member", 409, _("The person belongs to the workspace already.")),
        ProblemType("invitation_used", 409, _("An invitation works once. Ask for a new one.")),
        ProblemType("last_owner", 409, _("A workspace keeps at least one owner.")),
        ProblemType(
            "reservation_already_resolved", 409, _("The credits were charged or released before.")
        ),
        ProblemType(
            "transfer_key_conflict", 409, _("The ledger has another transfer under this key.")
        ),
        ProblemType("invitation_expired", 410, _("Ask for a new invitation.")),
        ProblemType("gone", 410, _("What was here has been removed for good.")),
        ProblemType("tenant_erased", 410, _("The workspace is being erased.")),
        ProblemType(
            "stream_expired", 410, _("The text can be read as a whole from its own address.")
        ),
        ProblemType(
            "precondition_failed",
            412,
            _("Somebody changed the text first. Read it again and send its new ETag as If-Match."),
        ),
        ProblemType("payload_too_large", 413, _("Send less at once; “limit” is in bytes.")),
        ProblemType("unsupported_media_type", 415, _("Send application/json in UTF-8.")),
        ProblemType(
            "unsafe_model_format",
            415,
            _("Files of this kind can run code when they are opened. Send safetensors instead."),
        ),
        ProblemType(
            "validation_failed", 422, _("“errors” names each field by JSON pointer, and the cure.")
        ),
        ProblemType(
            "adapter_invalid",
            422,
            _("The adapter's files are not as they must be. “reason” and “errors” say how."),
        ),
        ProblemType(
            "invalid_parameter", 422, _("“errors” names the query parameter that is not taken.")
        ),
        ProblemType(
            "invalid_cursor",
            422,
            _("A cursor fits the list, the order and the workspace that it came from."),
        ),
        ProblemType(
            "idempotency_key_reused",
            422,
            _("This Idempotency-Key came before with another request. Make a new key."),
        ),
        ProblemType("prompt_empty", 422, _("The prompt holds no visible character.")),
        ProblemType(
            "context_length_exceeded",
            422,
            _("The prompt and the answer do not fit the model together (see “limit”)."),
        ),
        ProblemType(
            "url_not_allowed",
            422,
            _(
                "The server goes to no such address: https on a usual port and a public network "
                "are allowed, and what the operator has named."
            ),
        ),
        ProblemType("amount_invalid", 422, _("An amount is a whole number above zero.")),
        ProblemType(
            "precondition_required", 428, _("Send the ETag that you have read as If-Match.")
        ),
        ProblemType("rate_limited", 429, _("Wait for “retry_after” seconds.")),
        ProblemType("queue_full", 429, _("Wait until some of the waiting texts are written.")),
        ProblemType("headers_too_large", 431, _("Send fewer or shorter headers and cookies.")),
        ProblemType("internal_error", 500, _("A fault of ours. Tell us the “request_id”.")),
        ProblemType(
            "generation_failed", 500, _("The text could not be written; nothing was charged.")
        ),
        ProblemType(
            "transaction_conflict", 503, _("Two calls were in each other's way. Send it again.")
        ),
        ProblemType(
            "ledger_inconsistent",
            503,
            _("The workspace's books do not add up; nothing is charged until that is mended."),
        ),
        ProblemType("service_unavailable", 503, _("Something this needs is away. Ask again soon.")),
        ProblemType(
            "insufficient_storage", 507, _("The disk is full. Ask the operator to make room.")
        ),
    )
}


def page(request: HttpRequest, code: str) -> HttpResponse:
    """The page that a problem's `type` leads to."""
    problem = PROBLEMS.get(code.replace("-", "_"))
    if problem is None:
        raise NotFound
    return render(request, "saas/problem.html", {"problem": problem})
