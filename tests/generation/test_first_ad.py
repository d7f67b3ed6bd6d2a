"""What the first start says where no ad comes."""

from generation.management.commands.first_ad import late
from generation.models import Variant


def test_a_late_ad_is_told_from_one_that_nobody_writes() -> None:
    assert "start one for the queue generate" in late(Variant.State.QUEUED)
    assert "this machine is slow" in late(Variant.State.WRITING)
