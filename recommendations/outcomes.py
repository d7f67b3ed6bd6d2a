"""What came of answers, in one statement each: people are counted, each once."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from recommendations.models import Experiment, Interaction, Item
from tenants.scope import current_tenant_id

# What each person did with the answers of their arm. People are what was divided, so each counts
# once, however often they came.
PERSONS = """
WITH answers AS (
    SELECT r.id, r.arm, COALESCE(r.person_id::text, r.session) AS who,
        r.items = '{}' AS nothing,
        COALESCE(bool_or(i.type <> ALL(%(silent)s)), false) AS chosen,
        COALESCE(bool_or(i.type = 'purchase'), false) AS bought,
        COALESCE(bool_or(i.type = 'dismiss'), false) AS refused
    FROM recommendations_recommendation AS r
    LEFT JOIN recommendations_interaction AS i
        ON i.tenant_id = r.tenant_id AND i.recomm_id = r.id AND i.occurred_at >= %(since)s
    WHERE r.tenant_id = %(tenant)s AND r.scenario_id = %(scenario)s
        AND r.created_at >= %(since)s AND r.created_at <= %(until)s AND r.arm = ANY(%(arms)s)
    GROUP BY r.id, r.arm, who, nothing
), persons AS (
    SELECT arm, who, count(*) AS answers, count(*) FILTER (WHERE chosen) AS chosen,
        avg(chosen::int) AS click, max(bought::int) AS buy, max(refused::int) AS refuse,
        avg(nothing::int) AS empty
    FROM answers GROUP BY arm, who
)
SELECT arm, count(*), sum(answers), sum(chosen),
    sum(click), sum(click * click), sum(buy), sum(refuse), sum(empty), sum(empty * empty)
FROM persons GROUP BY arm
"""
# A person counts once for each variant, however often they saw it: the intervals need outcomes
# that do not hang together.
SEEN = """
WITH seen AS (
    SELECT r.items[1] AS number, COALESCE(r.person_id::text, NULLIF(r.session, ''), r.id::text)
        AS who, COALESCE(bool_or(i.type <> ALL(%(silent)s)), false) AS chosen
    FROM recommendations_recommendation AS r
    LEFT JOIN recommendations_interaction AS i
        ON i.tenant_id = r.tenant_id AND i.recomm_id = r.id AND i.item_id = ANY(%(items)s)
    WHERE r.tenant_id = %(tenant)s AND r.variant_of = %(group)s
        AND (%(everybody)s OR r.audience = %(audience)s)
    GROUP BY number, who
)
SELECT number, count(*), count(*) FILTER (WHERE chosen) FROM seen GROUP BY number
"""


def experiment_outcomes(experiment: Experiment) -> dict[str, tuple[Any, ...]]:
    """By arm: people, answers, answers that something was chosen from, and sums over people."""
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "scenario": experiment.scenario_id,
        "since": experiment.created_at,
        "until": experiment.ended_at or timezone.now(),
        "arms": [arm["name"] for arm in experiment.arms],
        "silent": list(Interaction.SILENT),
    }
    with connection.cursor() as cursor:
        cursor.execute(PERSONS, values)
        return {row[0]: row[1:] for row in cursor.fetchall()}


def variant_outcomes(
    group: str, items: Sequence[Item], audience: str | None
) -> list[tuple[int, int, int]]:
    """(item number, people who saw it, people who chose it); None is everybody."""
    values: dict[str, Any] = {
        "tenant": current_tenant_id(),
        "group": group,
        "audience": audience or "",
        "everybody": audience is None,
        "items": [item.pk for item in items],
        "silent": list(Interaction.SILENT),
    }
    with connection.cursor() as cursor:
        cursor.execute(SEEN, values)
        return list(cursor.fetchall())
