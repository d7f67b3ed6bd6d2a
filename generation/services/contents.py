"""The life of a content: edit, review, approve, publish, archive. Each step is an event."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.errors import NotApproved, WrongStatus
from generation.models import Approval, Brief, Content, ContentVersion
from generation.services.briefs import read_text
from generation.services.published import item_update
from saas.errors import PreconditionFailed
from tenants.actors import current_actor
from tenants.events import record

Status = Content.Status


def _locked(content: Content) -> Content:
    return Content.objects.select_for_update().get(pk=content.pk)


def _record(step: str, content: Content, comment: str = "") -> None:
    said = {"comment": comment} if comment else {}
    record(f"content.{step}", content, version=content.version, **said)


def _move(content: Content, status: Status) -> None:
    content.status = status
    content.save(update_fields=["status", "updated_at"])
    item_update(content)


def _refuse(content: Content, *allowed: Status) -> None:
    if content.status not in allowed:
        detail = _("The content is “{status}”.").format(status=content.get_status_display())
        raise WrongStatus(detail, state=content.status)


@transaction.atomic
def content_create(  # noqa: PLR0913
    *,
    kind: str,
    text: str,
    title: str = "",
    language: str = "en",
    brief: Brief | None = None,
    labels: Sequence[str] = (),
) -> Content:
    """Take a text that was written elsewhere into the library, as a draft."""
    content = Content(
        kind=kind,
        language=language,
        brief=brief,
        labels=list(labels),
        created_by=current_actor().user,
    )
    data, text = read_text(content.kind_spec, text)
    content.title = title or (brief.title if brief else _("Untitled"))
    content.add_version(text=text, data=data)
    if title:
        content.title = title
        content.save(update_fields=["title"])
    record("content.created", content, version=content.version)
    return content


@transaction.atomic
def content_delete(*, content: Content) -> None:
    """Delete it for good. What may be in use, being approved, is put into the archive before."""
    content = _locked(content)
    if content.archived_at is None:
        _refuse(content, Status.DRAFT, Status.IN_REVIEW)
    _record("deleted", content)
    content.delete()


@transaction.atomic
def content_edit(*, content: Content, text: str, expected: int | None = None) -> Content:
    """Store a new text. Raises PreconditionFailed when `expected` is not the newest version.

    An approval is for one exact text, so this voids it and the content is a draft again.
    """
    content = _locked(content)
    if expected is not None and expected != content.version:
        raise PreconditionFailed(version=content.version)
    data, text = read_text(content.kind_spec, text)
    if text == content.text:
        return content
    return _new_text(content, text, data, "edited")


def _new_text(content: Content, text: str, data: dict[str, Any], step: str) -> Content:
    voided = _void_approval(content)
    content.status = Status.DRAFT
    content.add_version(text=text, data=data)
    item_update(content)
    _record(step, content)
    if voided:
        _record("approval_voided", content)
    return content


def _void_approval(content: Content) -> int:
    open_ones = content.approvals.filter(voided_at=None)
    return open_ones.update(voided_at=timezone.now(), voided_by=current_actor().user)


@transaction.atomic
def content_restore(*, content: Content, version: ContentVersion) -> Content:
    """Make an earlier version the text again, as a new version."""
    content = _locked(content)
    return _new_text(content, version.text, version.data, "restored")


@transaction.atomic
def content_submit(*, content: Content, comment: str = "") -> Content:
    """Ask for a review."""
    content = _locked(content)
    _refuse(content, Status.DRAFT)
    _move(content, Status.IN_REVIEW)
    _record("submitted", content, comment)
    return content


@transaction.atomic
def content_return(*, content: Content, comment: str = "") -> Content:
    """Send it back to its author, with the reason."""
    content = _locked(content)
    _refuse(content, Status.IN_REVIEW, Status.APPROVED)
    _void_approval(content)
    _move(content, Status.DRAFT)
    _record("returned", content, comment)
    return content


@transaction.atomic
def content_approve(*, content: Content, sha256: str, comment: str = "") -> Approval:
    """Approve exactly the text that the approver has seen, known by its sha256."""
    content = _locked(content)
    _refuse(content, Status.DRAFT, Status.IN_REVIEW)
    if sha256 != content.sha256:
        raise PreconditionFailed(version=content.version)
    _move(content, Status.APPROVED)
    _record("approved", content, comment)
    actor = current_actor()
    return Approval.objects.create(
        content=content,
        version=content.version,
        sha256=content.sha256,
        approved_by=actor.user,
        api_key=actor.api_key,
    )


@transaction.atomic
def content_publish(*, content: Content) -> Content:
    """Mark it as published, which needs an approval of this very text."""
    content = _locked(content)
    _refuse(content, Status.APPROVED)
    if content.approval() is None:
        raise NotApproved(_("This text is not approved."))
    _move(content, Status.PUBLISHED)
    _record("published", content)
    return content


@transaction.atomic
def content_archive(*, content: Content) -> Content:
    """Put it out of sight; nothing is lost."""
    return _archive(content, "archived")


@transaction.atomic
def content_unarchive(*, content: Content) -> Content:
    return _archive(content, "unarchived")


def contents_archive(ids: list[str]) -> None:
    for content in Content.objects.filter(pk__in=ids):
        content_archive(content=content)


def contents_unarchive(ids: list[str]) -> None:
    for content in Content.objects.filter(pk__in=ids):
        content_unarchive(content=content)


def _archive(content: Content, step: str) -> Content:
    content = _locked(content)
    content.archived_at = timezone.now() if step == "archived" else None
    content.save(update_fields=["archived_at", "updated_at"])
    item_update(content)
    _record(step, content)
    return content


def content_exported(*, content: Content) -> None:
    """Note that somebody took the text along."""
    _record("exported", content)
