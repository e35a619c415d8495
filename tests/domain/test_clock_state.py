"""What of a clock's error is to be told, at the boundary of what is allowed."""

from decimal import Decimal

import pytest

from domain.clock_state import ClockReading, DatabaseOffset, disagreement, unsynchronized


@pytest.mark.parametrize(
    ("reading", "is_wrong"),
    [
        (ClockReading("none"), False),  # nobody can say: nothing is told
        (ClockReading("kernel", synchronized=True, max_error_ms=Decimal(50)), False),  # exactly what is allowed
        (ClockReading("kernel", synchronized=True, max_error_ms=Decimal("50.001")), True),
        (ClockReading("kernel", synchronized=False, max_error_ms=Decimal(1)), True),
    ],
)
def test_a_clock_that_nobody_keeps_or_that_may_be_too_far_off_is_told(reading: ClockReading, *, is_wrong: bool) -> None:
    assert (unsynchronized(reading, Decimal(50)) is not None) is is_wrong


@pytest.mark.parametrize(
    ("offset", "round_trip", "word"),
    [
        ("1000", "0", None),
        ("1000.001", "0", "ahead of"),
        ("-1000.001", "0", "behind"),
        ("1001", "2", None),  # the question itself took two ms: it may be the answer's way
        ("1001.001", "2", "ahead of"),
    ],
)
def test_host_and_database_disagree_beyond_what_the_question_took(
    offset: str, round_trip: str, word: str | None
) -> None:
    said = disagreement(DatabaseOffset(Decimal(offset), Decimal(round_trip)), Decimal(1000))
    assert said is None if word is None else word in (said or "")
