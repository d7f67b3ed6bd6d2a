"""The life of a content: edit, review, approve, publish, archive. Each step is noted."""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from generation.errors import NotApproved, WrongStatus
from generation.models import Approval, Content, ContentEvent, ContentVersion
from generation.services.briefs import read_text
from saas.errors import PreconditionFailed
from tenants.models import User

Status = Content.Status
Action = ContentEvent.Action


def _locked(content: Content) -> Content:
    return Content.objects.select_for_update().get(pk=content.pk)


def _note(content: Content, action: Action, actor: User | None, comment: str = "") -> None:
    ContentEvent.objects.create(
        content=content, action=action, actor=actor, version=content.version, comment=comment
    )


def _move(content: Content, status: Status) -> None:
    content.status = status
    content.save(update_fields=["status", "updated_at"])


def _refuse(content: Content, *allowed: Status) -> None:
    if content.status not in allowed:
        detail = _("The content is “{status}”.").format(status=content.get_status_display())
        raise WrongStatus(detail, state=content.status)


@transaction.atomic
def content_edit(
    *, content: Content, text: str, actor: User | None, expected: int | None = None
) -> Content:
    """Store a new text. Raises PreconditionFailed when `expected` is not the newest version.

    An approval is for one exact text, so this voids it and the content is a draft again.
    """
    content = _locked(content)
    if expected is not None and expected != content.version:
        raise PreconditionFailed(version=content.version)
    data, text = read_text(content.kind_spec, text)
    if text == content.text:
        return content
    return _new_text(content, text, data, actor, Action.EDITED)


def _new_text(
    content: Content, text: str, data: dict[str, Any], actor: User | None, action: Action
) -> Content:
    voided = _void_approval(content, actor)
    content.status = Status.DRAFT
    content.add_version(text=text, data=data, author=actor)
    _note(content, action, actor)
    if voided:
        _note(content, Action.VOIDED, actor)
    return content


def _void_approval(content: Content, actor: User | None) -> int:
    open_ones = content.approvals.filter(voided_at=None)
    return open_ones.update(voided_at=timezone.now(), voided_by=actor)


@transaction.atomic
def content_restore(*, content: Content, version: ContentVersion, actor: User | None) -> Content:
    """Make an earlier version the text again, as a new version."""
    content = _locked(content)
    return _new_text(content, version.text, version.data, actor, Action.RESTORED)


@transaction.atomic
def content_submit(*, content: Content, actor: User | None, comment: str = "") -> Content:
    """Ask for a review."""
    content = _locked(content)
    _refuse(content, Status.DRAFT)
    _move(content, Status.IN_REVIEW)
    _note(content, Action.SUBMITTED, actor, comment)
    return content


@transaction.atomic
def content_return(*, content: Content, actor: User | None, comment: str = "") -> Content:
    """Send it back to its author, with the reason."""
    content = _locked(content)
    _refuse(content, Status.IN_REVIEW, Status.APPROVED)
    _void_approval(content, actor)
    _move(content, Status.DRAFT)
    _note(content, Action.RETURNED, actor, comment)
    return content


@transaction.atomic
def content_approve(
    *, content: Content, actor: User | None, sha256: str, comment: str = ""
) -> Approval:
    """Approve exactly the text that the approver has seen, known by its sha256."""
    content = _locked(content)
    _refuse(content, Status.DRAFT, Status.IN_REVIEW)
    if sha256 != content.sha256:
        raise PreconditionFailed(version=content.version)
    _move(content, Status.APPROVED)
    _note(content, Action.APPROVED, actor, comment)
    return Approval.objects.create(
        content=content, version=content.version, sha256=content.sha256, approved_by=actor
    )


@transaction.atomic
def content_publish(*, content: Content, actor: User | None) -> Content:
    """Mark it as published, which needs an approval of this very text."""
    content = _locked(content)
    _refuse(content, Status.APPROVED)
    if content.approval() is None:
        raise NotApproved(_("This text is not approved."))
    _move(content, Status.PUBLISHED)
    _note(content, Action.PUBLISHED, actor)
    return content


@transaction.atomic
def content_archive(*, content: Content, actor: User | None) -> Content:
    """Put it out of sight; nothing is lost."""
    return _archive(content, actor, Action.ARCHIVED)


@transaction.atomic
def content_unarchive(*, content: Content, actor: User | None) -> Content:
    return _archive(content, actor, Action.UNARCHIVED)


def _archive(content: Content, actor: User | None, action: Action) -> Content:
    content = _locked(content)
    content.archived_at = timezone.now() if action == Action.ARCHIVED else None
    content.save(update_fields=["archived_at", "updated_at"])
    _note(content, action, actor)
    return content


def content_exported(*, content: Content, actor: User | None) -> None:
    """Note that somebody took the text along."""
    _note(content, Action.EXPORTED, actor)
