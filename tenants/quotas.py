"""Limits per person and per address, beside those of workspaces: whoever opens a second workspace
or a second account has them still.
"""

from collections.abc import Sequence
from hashlib import sha256

import redis
from allauth.core.internal.ratelimit import truncate_ip
from django.conf import settings
from django.utils.translation import gettext as _

from saas.api import limiter
from saas.api.limiter import Charge, Policy
from saas.errors import TooManyRequests, Unavailable
from tenants.actors import Actor

HOUR, DAY, MONTH = 3600, 86_400, 30 * 86_400
# Mails to strangers in our name, and files: of one person, from one address, to one address.
INVITATIONS = {
    "person": Policy("invitations", 60, DAY),
    "address": Policy("invitations", 100, DAY),
    "to": Policy("invited", 5, DAY),
}
UPLOADS = {"person": Policy("uploads", 120, HOUR), "address": Policy("uploads", 240, HOUR)}
# Whoever gives workspaces away to make more of them, each with its free credits, has had enough.
MADE_PER_FREE = 2


def of_person(key: object) -> str:
    return f"person:{key}"


def of_address(address: str) -> str:
    """One IPv4 address, one IPv6 /64; hashed, as whose it is need not lie in Valkey."""
    address = truncate_ip(address)
    return f"address:{sha256(address.encode()).hexdigest()[:32]}"


def refuse_more_sign_ups(address: str) -> None:
    """Count an account or a workspace that is made from there; raises TooManyRequests."""
    policy = Policy("sign_ups", max(1, settings.SIGN_UPS_PER_ADDRESS), DAY)
    spend([(of_address(address), policy)])


def refuse_more_made(person: object) -> None:
    """Count a workspace that the person makes, also of those that are somebody else's by now."""
    most = max(1, MADE_PER_FREE * settings.FREE_WORKSPACES_PER_PERSON)
    spend([(of_person(person), Policy("workspaces", most, MONTH))])


def refuse_more_invitations(actor: Actor, *, to: str) -> None:
    """Count a mail to a stranger."""
    owners = [(of_address(to.lower()), INVITATIONS["to"])]
    if actor.user:
        owners.append((of_person(actor.user.pk), INVITATIONS["person"]))
    if actor.address:
        owners.append((of_address(actor.address), INVITATIONS["address"]))
    spend(owners)


def refuse_more_uploads(person: object, address: str) -> None:
    """Count a file that is about to be sent."""
    spend([(of_person(person), UPLOADS["person"]), (of_address(address), UPLOADS["address"])])


def spend(owners: Sequence[tuple[str, Policy]]) -> None:
    """Take one from each; raises TooManyRequests where one has nothing left."""
    for owner, policy in owners:
        try:
            verdict = limiter.admit(owner, [Charge(policy)])
        except redis.RedisError as error:
            raise Unavailable(_("Nothing can be changed at this moment.")) from error
        if not verdict.admitted:
            raise refused(verdict.refused_by)


def refused(standing: limiter.Standing) -> TooManyRequests:
    return TooManyRequests(
        _("That is as much as one person or one address may do for now. Try again later."),
        retry_after=max(1, standing.retry_after),
        policy=standing.policy.name,
        limit=standing.policy.quota,
        remaining=0,
    )
