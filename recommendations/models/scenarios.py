"""Scenarios: the places on a site and the rules there. Experiments: two settings of one place."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from recommendations.models.catalogue import MAX_KEY, key_check
from tenants.models import User
from tenants.models_base import TenantForeignKey, TenantModel
from tenants.validators import name_check


class Scenario(TenantModel):
    """A place on the site: home, the end of an article, an email."""

    key = models.CharField(_("ID"), max_length=MAX_KEY, validators=[key_check])
    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    settings = models.JSONField(default=dict)
    number = models.PositiveIntegerField(default=1)

    class Meta(TenantModel.Meta):
        verbose_name = _("scenario")
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="scenario_key")]

    def __str__(self) -> str:
        return self.name


class ScenarioVersion(TenantModel):
    """What a scenario's settings were; undo makes an earlier one the newest."""

    scenario = TenantForeignKey(Scenario, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    settings = models.JSONField(default=dict)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "scenario", "number"], name="scenario_version_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scenario_id} {self.number}"


class Experiment(TenantModel):
    """Several settings of one scenario beside each other, until one is known to be better."""

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        STOPPED = "stopped", _("Stopped")

    name = models.CharField(_("name"), max_length=80, validators=[name_check])
    scenario = TenantForeignKey(Scenario, on_delete=models.CASCADE, related_name="experiments")
    # [{"name": "control", "share": 50, "settings": {...}}, ...]; the first is the control.
    arms = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(TenantModel.Meta):
        verbose_name = _("experiment")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "scenario"],
                condition=Q(state="running"),
                name="one_experiment_running",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def shares(self) -> list[float]:
        return [float(arm["share"]) for arm in self.arms]

    def arm(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = self.arms[index]
        return found
