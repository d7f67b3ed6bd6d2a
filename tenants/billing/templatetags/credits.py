"""Filters that show credits and kinds of work."""

from django import template

from tenants.billing import meters, prices

register = template.Library()


@register.filter
def credits(amount: int) -> str:  # noqa: A001
    """Micro-credits as credits."""
    return prices.in_credits(amount)


@register.filter
def kind_name(kind: str) -> str:
    """A kind of work in words."""
    return meters.label_of(kind)
