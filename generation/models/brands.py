"""Brand: how a company speaks. Audience: to whom."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from generation.kinds.brief import AudienceData, BrandData, Term
from tenants.billing.models_base import LimitedModel

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


def lines(label: "StrOrPromise", *, longest: int = 200) -> "ArrayField[list[str], list[str]]":
    """A list of short texts."""
    line = models.CharField(max_length=longest)
    return ArrayField(line, verbose_name=label, default=list, blank=True)


class Brand(LimitedModel):
    """A brand's voice and words, and the facts that copy may state."""

    name = models.CharField(_("name"), max_length=80)
    about = models.TextField(_("what you do"), max_length=2000, blank=True)
    url = models.URLField(_("website"), blank=True)
    tone = models.CharField(_("tone of voice"), max_length=300, blank=True)
    do = lines(_("do"))
    dont = lines(_("don't"))
    terms = lines(_("preferred terms"))
    banned = lines(_("banned terms"), longest=80)
    samples = lines(_("sample copy"), longest=2000)
    facts = lines(_("facts"))
    is_default = models.BooleanField(_("use for new briefs"), default=False)

    limit_name = "brands"

    class Meta(LimitedModel.Meta):
        ordering = ("name",)
        verbose_name = _("brand")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="brand_name"),
            models.UniqueConstraint(
                fields=["tenant"], condition=models.Q(is_default=True), name="one_default_brand"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def data(self) -> BrandData:
        """The brand as the kinds of copy read it."""
        return BrandData(
            name=self.name,
            about=self.about,
            tone=self.tone,
            do=tuple(self.do),
            dont=tuple(self.dont),
            terms=tuple(Term.read(line) for line in self.terms),
            banned=tuple(self.banned),
            samples=tuple(self.samples),
            facts=tuple(self.facts),
            url=self.url,
        )


class Audience(LimitedModel):
    """The people that a text is for."""

    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(_("who they are"), max_length=1000, blank=True)
    pains = lines(_("what troubles them"))
    goals = lines(_("what they want"))

    limit_name = "audiences"

    class Meta(LimitedModel.Meta):
        ordering = ("name",)
        verbose_name = _("audience")
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="audience_name")]

    def __str__(self) -> str:
        return self.name

    def data(self) -> AudienceData:
        return AudienceData(
            name=self.name,
            description=self.description,
            pains=tuple(self.pains),
            goals=tuple(self.goals),
        )
