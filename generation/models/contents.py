"""Content: copy that somebody picked, with its versions, its approval and its history."""

import hashlib
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.kinds.kind import Kind
from generation.models.briefs import LANGUAGES, Brief, Variant
from tenants.models import User
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class ContentQuerySet(TenantQuerySet["Content"]):
    """Contents of the workspace in scope."""

    def search(self, words: str) -> Self:
        """Those whose title or text holds every one of the words, literally."""
        found = self
        for word in words.split():
            found = found.filter(Q(title__icontains=word) | Q(text__icontains=word))
        return found

    def live(self) -> Self:
        return self.filter(archived_at=None)

    def archived(self) -> Self:
        return self.exclude(archived_at=None)


ContentManager = TenantManager.from_queryset(ContentQuerySet)


class Content(TenantModel):
    """One piece of copy. Its text is that of its newest version."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        PUBLISHED = "published", _("Published")

    kind = models.CharField(max_length=40)
    title = models.CharField(_("title"), max_length=200)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    language = models.CharField(max_length=10, choices=LANGUAGES, default="en")
    version = models.PositiveIntegerField(default=0)
    text = models.TextField()
    data = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    labels = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    brief = TenantForeignKey(
        Brief, null=True, blank=True, on_delete=models.SET_NULL, related_name="contents"
    )
    variant = TenantForeignKey(
        Variant, null=True, blank=True, on_delete=models.SET_NULL, related_name="contents"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ContentManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("content")
        indexes = [models.Index(fields=["tenant", "-updated_at"], name="content_newest")]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_spec(self) -> Kind:
        return kinds.load(self.kind)

    def get_absolute_url(self) -> str:
        return reverse("content", args=[self.tenant.slug, self.pk])

    def add_version(
        self, *, text: str, data: dict[str, Any], author: User | None, note: str = ""
    ) -> "ContentVersion":
        """Make this the content's text. The row must be locked where others may write too."""
        self.version += 1
        self.text, self.data, self.sha256 = text, data, text_sha256(text)
        self.title = (self.kind_spec.title(data) or self.title)[:200]
        self.save()
        return ContentVersion.objects.create(
            content=self,
            number=self.version,
            text=text,
            data=data,
            sha256=self.sha256,
            author=author,
            note=note,
        )

    def approval(self) -> "Approval | None":
        """The approval that holds for exactly this text."""
        return self.approvals.filter(sha256=self.sha256, voided_at=None).newest().first()


class ContentVersion(TenantModel):
    """The text as it was after one edit."""

    content = TenantForeignKey(Content, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    data = models.JSONField(default=dict)
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta(TenantModel.Meta):
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=["tenant", "content", "number"], name="version_number")
        ]

    def __str__(self) -> str:
        return f"{self.content} v{self.number}"


class Approval(TenantModel):
    """Somebody's word for exactly one text, known by its sha256. An edit voids it."""

    content = TenantForeignKey(Content, on_delete=models.CASCADE, related_name="approvals")
    version = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("approval")

    def __str__(self) -> str:
        return f"{self.content} v{self.version}"


class ContentEvent(TenantModel):
    """One line of a content's history: who did what to it, and when."""

    class Action(models.TextChoices):
        CREATED = "created", _("created it")
        EDITED = "edited", _("edited the text")
        RESTORED = "restored", _("restored an earlier version")
        SUBMITTED = "submitted", _("asked for a review")
        RETURNED = "returned", _("sent it back")
        APPROVED = "approved", _("approved it")
        VOIDED = "voided", _("voided the approval by an edit")
        PUBLISHED = "published", _("marked it as published")
        EXPORTED = "exported", _("exported it")
        ARCHIVED = "archived", _("archived it")
        UNARCHIVED = "unarchived", _("took it out of the archive")

    content = TenantForeignKey(Content, on_delete=models.CASCADE, related_name="events")
    action = models.CharField(max_length=12, choices=Action)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    version = models.PositiveIntegerField()
    comment = models.CharField(max_length=1000, blank=True)

    class Meta(TenantModel.Meta):
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.action} {self.content}"
