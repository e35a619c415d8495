"""Equal hints leave a pause apart, and none that came late is forgotten."""

import pytest

from events.spacing import Hint, Spacing
from tests.support.clock import HandClock

ONE: Hint = ("balances.check", ("one",))
PAUSE_MS = 1000
OTHER: Hint = ("balances.check", ("other",))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def spacing(clock: HandClock) -> Spacing:
    return Spacing(clock)


def test_the_first_leaves_at_once_and_another_account_too(spacing: Spacing) -> None:
    assert spacing.admit(ONE, PAUSE_MS)
    assert spacing.admit(OTHER, PAUSE_MS)
    assert spacing.wait_s() is None


def test_what_came_within_the_pause_leaves_as_one_at_its_end(spacing: Spacing, clock: HandClock) -> None:
    spacing.admit(ONE, PAUSE_MS)
    clock.ms = 400
    assert [spacing.admit(ONE, PAUSE_MS) for _ in range(5)] == [False] * 5
    assert spacing.wait_s() == pytest.approx(0.6)
    assert spacing.due() == []
    clock.ms = 1000
    assert spacing.due() == [ONE]
    assert spacing.due() == []


def test_the_late_one_begins_a_pause_of_its_own(spacing: Spacing, clock: HandClock) -> None:
    spacing.admit(ONE, PAUSE_MS)
    spacing.admit(ONE, PAUSE_MS)
    clock.ms = 1000
    spacing.due()
    assert not spacing.admit(ONE, PAUSE_MS)
    clock.ms = 2000
    assert spacing.due() == [ONE]


def test_after_a_quiet_pause_the_next_leaves_at_once(spacing: Spacing, clock: HandClock) -> None:
    spacing.admit(ONE, PAUSE_MS)
    clock.ms = 1000
    assert spacing.due() == []
    assert spacing.admit(ONE, PAUSE_MS)


def test_what_is_kept_can_be_had_before_its_time(spacing: Spacing) -> None:
    spacing.admit(ONE, PAUSE_MS)
    spacing.admit(ONE, PAUSE_MS)
    assert spacing.kept() == [ONE]
    assert spacing.kept() == []
    assert spacing.wait_s() is None
