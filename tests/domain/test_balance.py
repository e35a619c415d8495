"""When money that was spent is free to be counted on again: two balance reads must agree (R18)."""

from decimal import Decimal

import pytest

from domain.balance import StoredRead, freed_below


@pytest.mark.requirement("ACC-002")
@pytest.mark.parametrize(
    ("previous", "latest", "below"),
    [
        (None, "4500", None),  # one read alone may be a stale answer
        ("4500", "4500", 7),  # what was spent before the earlier of the two began is in both
        ("4600", "4500", 7),  # the earlier one was stale, the later one corrects it
        ("4500", "4500.01", None),  # the later one may be stale: nothing is freed
    ],
)
def test_two_reads_that_agree_free_what_was_spent_before_both(
    previous: str | None, latest: str, below: int | None
) -> None:
    earlier = None if previous is None else StoredRead(Decimal(previous), 7)
    assert freed_below(earlier, StoredRead(Decimal(latest), 9)) == below
