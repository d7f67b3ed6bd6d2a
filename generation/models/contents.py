"""Content: copy that somebody picked, with its versions, its approval and its history."""

import hashlib
import re
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from generation import kinds
from generation.kinds.kind import Kind
from generation.kinds.text import CJK
from generation.models.briefs import LANGUAGES, Brief, Variant
from generation.search import fold, found_in_index
from saas.folding import folded
from tenants.actors import current_actor
from tenants.models import ApiKey
from tenants.models_base import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet

LETTERS = re.compile(r"[^\W_]+")


def text_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class ContentQuerySet(TenantQuerySet["Content"]):
    """Contents of the workspace in scope."""

    def search(self, words: str) -> Self:
        """Those whose title or text has words that begin with each of these.

        What is more than letters and digits is found literally, as is Chinese.
        """
        words = folded(words)
        found = self.filter(pk__in=found_in_index(words, [])) if LETTERS.search(words) else self
        literal = [w for w in words.split() if not LETTERS.fullmatch(w) or CJK.search(w)]
        if literal:
            found = found.alias(plain_title=fold("title"), plain_text=fold("text"))
        for word in literal:
            found = found.filter(Q(plain_title__contains=word) | Q(plain_text__contains=word))
        return found

    def labelled(self, label: str) -> Self:
        return self.filter(pk__in=found_in_index("", [label]))

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
    # Of the text that was picked; it stays when the variant is written anew or goes.
    writer = models.CharField(max_length=10, choices=Variant.Writer, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ContentManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("content")
        indexes = [
            models.Index(
                fields=["tenant", "-updated_at", "-id"],
                condition=Q(archived_at=None),
                name="content_live",
            ),
            models.Index(
                fields=["tenant", "status", "updated_at"],
                condition=Q(archived_at=None),
                name="content_by_status",
            ),
            models.Index(fields=["tenant", "-created_at", "-id"], name="content_newest"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_spec(self) -> Kind:
        return kinds.load(self.kind)

    def get_absolute_url(self) -> str:
        return reverse("content", args=[self.tenant.slug, self.pk])

    def add_version(self, *, text: str, data: dict[str, Any], note: str = "") -> "ContentVersion":
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
            author=current_actor().user,
            note=note,
        )

    def approval(self) -> "Approval | None":
        """The approval that holds for exactly this text."""
        valid = self.approvals.filter(sha256=self.sha256, voided_at=None)
        return valid.select_related("approved_by", "api_key").newest().first()


class Favourite(TenantModel):
    """A content that somebody wants at hand."""

    content = TenantForeignKey(Content, on_delete=models.CASCADE, related_name="favourites")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "content", "user"], name="one_favourite")
        ]

    def __str__(self) -> str:
        return f"{self.content} of {self.user}"


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
    api_key = TenantForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta(TenantModel.Meta):
        verbose_name = _("approval")

    def __str__(self) -> str:
        return f"{self.content} v{self.version}"

    @property
    def actor_name(self) -> str:
        """What readers call the person or the service account that approved."""
        if self.approved_by:
            return self.approved_by.display_name
        return self.api_key.name if self.api_key else "Kindling"
