"""What a workspace is given where nobody says otherwise."""

from tenants.billing.prices import CREDIT

MONTHLY_GRANT = 1_000 * CREDIT
