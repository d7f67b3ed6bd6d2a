"""Users, workspaces (tenants), who belongs to them, their API keys and their audit trail."""

import hashlib
import hmac
import secrets
import uuid
from datetime import timedelta
from typing import Any, ClassVar, Self

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from saas import keyring
from saas.ids import uuid7
from saas.navigation import navigation
from tenants.models_audit import AuditEvent
from tenants.models_base import TenantManager, TenantModel, TenantQuerySet
from tenants.validators import name_check

__all__ = ["ApiKey", "AuditEvent", "Invitation", "Membership", "Role", "Tenant", "User"]


class UserManager(BaseUserManager["User"]):
    """Makes users, who are known by their email address."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Made by an operator, who knows whose address it is: nobody asks to have it confirmed."""
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. What they may see depends on their memberships alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True, validators=[name_check])
    is_staff = models.BooleanField(_("operator"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"

    @property
    def unconfirmed_address(self) -> str:
        """An address that nobody has confirmed yet; without it no second factor is taken."""
        found = EmailAddress.objects.filter(user_id=self.pk, verified=False)
        return str(found.values_list("email", flat=True).first() or "")

    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_ci")]

    def __str__(self) -> str:
        return self.email

    @property
    def display_name(self) -> str:
        return self.name or self.email.partition("@")[0]


MAX_WEIGHT = 100
LONGEST_PROMPT = 4000


class Tenant(models.Model):
    """A workspace: one startup with its brand, its copy and its credits."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        ERASING = "erasing", _("Being erased")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    weight = models.PositiveSmallIntegerField(
        _("weight"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_WEIGHT)],
        help_text=_(
            "Its share of the writing beside other workspaces that wait: one of weight 3 is "
            "served three times as much as one of weight 1. A larger plan has a larger weight."
        ),
    )
    # How the portal writes times; what is stored and what the API says stays in UTC.
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", db_default="UTC")
    # What /v1 tells the model first, where a conversation brings no system message of its own.
    system_prompt = models.TextField(
        _("system prompt"), max_length=LONGEST_PROMPT, blank=True, default="", db_default=""
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight__gte=1, weight__lte=MAX_WEIGHT),
                name="workspace_weight_within",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return navigation.home(self.slug)


class Role(models.TextChoices):
    """What a member may do; each role may also do what the ones after it may."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")

    def covers(self, needed: str) -> bool:
        ranked = list(Role)
        return ranked.index(self) <= ranked.index(Role(needed))


class MembershipQuerySet(TenantQuerySet["Membership"]):
    """Members of the workspace in scope."""

    def owners(self) -> "MembershipQuerySet":
        return self.filter(role=Role.OWNER)

    def role_of(self, user: User | None) -> Role | None:
        """The person's role here now; None where they are no member, or deactivated."""
        found = self.filter(user=user, user__is_active=True).values_list("role", flat=True).first()
        return Role(found) if found else None


MembershipManager = TenantManager.from_queryset(MembershipQuerySet)


class Membership(TenantModel):
    """A user's place in a workspace."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.EDITOR)

    objects: ClassVar = MembershipManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_membership_per_user")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"

    def may(self, needed: str) -> bool:
        return Role(self.role).covers(needed)


class InvitationQuerySet(TenantQuerySet["Invitation"]):
    """Invitations of the workspace in scope."""

    def open(self) -> "InvitationQuerySet":
        return self.filter(accepted_at=None)


InvitationManager = TenantManager.from_queryset(InvitationQuerySet)


class Invitation(TenantModel):
    """An offer to join, sent by email; the link's secret is stored as its hash alone."""

    LIFETIME = timedelta(days=14)

    email = models.EmailField(_("email address"))
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.EDITOR)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = InvitationManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "email"],
                condition=models.Q(accepted_at=None),
                name="one_open_invitation",
            )
        ]
        indexes = [models.Index(fields=["secret_sha256"], name="invitation_by_secret")]

    def __str__(self) -> str:
        return self.email

    @property
    def expired(self) -> bool:
        return self.expires_at <= timezone.now()

    def renew(self) -> str:
        """Give the invitation a fresh link and its full lifetime; returns the link's secret."""
        secret = secrets.token_urlsafe(32)
        self.secret_sha256 = sha256(secret)
        self.expires_at = timezone.now() + self.LIFETIME
        self.save()
        return secret

    def is_for(self, user: User) -> bool:
        return user.email.lower() == self.email.lower()


class ApiKeyQuerySet(TenantQuerySet["ApiKey"]):
    """API keys of the workspace in scope."""

    def live(self) -> Self:
        not_over = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(not_over, revoked_at=None)

    def personal(self) -> Self:
        return self.filter(role="")

    def count_by_maker(self) -> dict[uuid.UUID | None, int]:
        """How many keys each person made, by the person's id."""
        return dict(self.values_list("created_by").annotate(models.Count("pk")))

    def revoke(self) -> int:
        """Stop them all; returns how many."""
        now = timezone.now()
        return self.update(revoked_at=now, updated_at=now)


ApiKeyManager = TenantManager.from_queryset(ApiKeyQuerySet)


class ApiKey(TenantModel):
    """A secret by which a program acts. Only its hash is kept.

    A personal key (without a role) acts for its maker, with their role of the moment, as long as
    they are a member. A service account's key is the workspace's own and has a role of its own.

    A public key stands in web pages, works for pages of its origins alone, and has no scope. A
    signing token is never sent: requests are signed with it. These two are kept, encrypted.
    """

    class Kind(models.TextChoices):
        SECRET = "secret", _("API key")
        PUBLIC = "public", _("Public key")
        SIGNING = "signing", _("Signing token")

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        WRITE = "write", _("Write")
        GENERATE = "generate", _("Generate")
        APPROVE = "approve", _("Approve and publish")
        TEST = "test", _("Test: texts are echoed, free and the same each time")

    PREFIXES: ClassVar[dict[str, str]] = {"secret": "sk_", "public": "pk_", "signing": "st_"}

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.SECRET, editable=False)
    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    prefix = models.CharField(max_length=16, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    sealed_secret = models.TextField(blank=True, editable=False)
    origins = ArrayField(
        models.CharField(max_length=300), verbose_name=_("origins"), default=list, blank=True
    )
    scopes = ArrayField(models.CharField(max_length=12, choices=Scope), verbose_name=_("scopes"))
    role = models.CharField(_("role"), max_length=10, choices=Role, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = ApiKeyManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [models.UniqueConstraint(fields=["tenant", "prefix"], name="key_prefix")]
        indexes = [models.Index(fields=["prefix"], name="key_by_prefix")]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown_prefix}…)"

    @property
    def shown_prefix(self) -> str:
        """How the secret begins, by which people know it again."""
        return f"{self.PREFIXES[self.kind]}{self.prefix}"

    @classmethod
    def issue(cls, **fields: Any) -> tuple["ApiKey", str]:
        """A new key and its secret, which is shown this once."""
        key = cls(prefix=secrets.token_hex(4), **fields)
        secret = f"{key.shown_prefix}_{secrets.token_urlsafe(32)}"
        key.secret_sha256 = sha256(secret)
        if key.kind != cls.Kind.SECRET:
            key.sealed_secret = keyring.seal(secret, owner=key.workspace_id)
        key.save()
        return key, secret

    @classmethod
    def prefix_of(cls, secret: str) -> str:
        """The look-up part of a secret, or an empty string where it has none."""
        if not secret.startswith(tuple(cls.PREFIXES.values())) or len(secret) > 128:
            return ""
        return secret[3:].partition("_")[0]

    @property
    def personal(self) -> bool:
        return not self.role

    def acting_role(self) -> Role | None:
        """What the key may be now: a service account's role, or the maker's; None: nothing."""
        if self.role:
            return Role(self.role)
        return Membership.objects.role_of(self.created_by)

    @property
    def live(self) -> bool:
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired

    @property
    def scope_labels(self) -> list[str]:
        return [str(self.Scope(scope).label) for scope in self.scopes]

    def matches(self, secret: str) -> bool:
        return hmac.compare_digest(self.secret_sha256, sha256(secret))

    def mark_used(self) -> None:
        """Note the use, at most once a minute, so that reads do not become writes."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            self.last_used_at = now
            self.save(update_fields=["last_used_at"])

    def revoke(self) -> None:
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["revoked_at", "updated_at"])


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
