"""ModelAlias: a name that moves from version to version. ModelPolicy: what a win has to show."""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tenants.models_base import TenantForeignKey, TenantModel
from training.models.versions import ModelVersion

# What is live, which is moved by making a version live; and what is tried beside it.
CHAMPION, CHALLENGER = "champion", "challenger"
MOST_SHARE = 50
CONFIDENCES = ((80, "80 %"), (90, "90 %"), (95, "95 %"), (99, "99 %"))


class ModelAlias(TenantModel):
    """`kindling@challenger` asks for its version; a share of the writing may go there."""

    name = models.CharField(_("name"), max_length=40)
    version = TenantForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="aliases")
    # Percent of what is ordered without naming a version; the challenger's alone.
    share = models.PositiveSmallIntegerField(
        _("share"), default=0, validators=[MaxValueValidator(MOST_SHARE)]
    )
    # Since when it has meant this version; ratings are compared from then on.
    since = models.DateTimeField(auto_now_add=True)

    class Meta(TenantModel.Meta):
        ordering = ("name",)
        verbose_name = _("alias")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="model_alias_name"),
            models.CheckConstraint(condition=Q(share__lte=MOST_SHARE), name="alias_share_bounded"),
        ]

    def __str__(self) -> str:
        return f"@{self.name}"


class ModelPolicy(TenantModel):
    """How sure a workspace wants to be that a model is better before it goes live."""

    confidence = models.PositiveSmallIntegerField(_("confidence"), choices=CONFIDENCES, default=95)

    class Meta(TenantModel.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_model_policy")]

    def __str__(self) -> str:
        return f"{self.confidence} %"
