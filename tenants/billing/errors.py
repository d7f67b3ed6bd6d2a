"""What the ledger refuses."""

from django.utils.translation import gettext_lazy as _

from saas.errors import Conflict, Invalid, Unavailable


class AmountInvalid(Invalid):
    code = "amount_invalid"
    advice = _("An amount is a whole number above zero.")


class ReservationAlreadyResolved(Conflict):
    code = "reservation_already_resolved"
    advice = _("The credits were charged or released before.")


class TransferKeyConflict(Conflict):
    code = "transfer_key_conflict"
    advice = _("The ledger has another transfer under this key.")


class LimitReached(Conflict):
    """The workspace has as much of something as it may have; `limit` names it."""

    code = "limit_reached"
    advice = _(
        "The workspace has as many as it may have (see “limit” and “allowed”). Delete some, or "
        "ask the operator for more."
    )


class StorageFull(LimitReached):
    code = "storage_full"
    advice = _("The workspace's storage is full (see “allowed”, in bytes). Delete something first.")


class LedgerInconsistent(Unavailable):
    code = "ledger_inconsistent"
    advice = _("The workspace's ledger does not add up; nothing is charged until that is mended.")
