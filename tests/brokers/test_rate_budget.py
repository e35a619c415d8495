"""The budget of an account's requests, on a clock moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.rate_budget import LocalRateBudget
from tests.support.clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def granted(budget: LocalRateBudget, account: str = "demo") -> int:
    return next(count for count in range(10_000) if budget.take(account) > 0)


def test_a_tenth_of_a_minute_may_leave_at_once(clock: HandClock) -> None:
    assert granted(LocalRateBudget(clock, {"demo": 200})) == 20


def test_a_small_limit_still_lets_two_leave(clock: HandClock) -> None:
    assert granted(LocalRateBudget(clock, {"demo": 6})) == 2


def test_the_answer_says_when_it_is_worth_asking_again(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 60})
    granted(budget)

    wait_s = budget.take("demo")

    assert wait_s == pytest.approx(2)  # the second to be told: the first moment is another's
    clock.ms += wait_s * 1000 + 0.001
    assert budget.take("demo") == 0


def test_whoever_comes_too_early_is_refused_and_nothing_is_taken(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 60})
    granted(budget)

    clock.ms += 990
    assert budget.take("demo") > 0
    clock.ms += 10.001
    assert budget.take("demo") == 0


def test_those_who_wait_are_told_one_moment_after_the_other(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 60})
    granted(budget)

    assert [budget.take("demo") for _ in range(4)] == pytest.approx([2, 3, 4, 5])


def test_a_long_rest_saves_up_no_more_than_the_burst(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 200})
    granted(budget)

    clock.ms += 86_400_000
    assert granted(budget) == 20


def test_accounts_do_not_share(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 60, "other": 60})
    granted(budget)

    assert budget.take("other") == 0


def test_an_account_without_a_limit_of_its_own_has_the_default(clock: HandClock) -> None:
    assert granted(LocalRateBudget(clock, {}, default=100)) == 10


def test_a_heavy_request_takes_its_weight(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 200})

    assert budget.take("demo", 18) == 0
    assert budget.take("demo", 5) == pytest.approx(3 / 200 * 60)
    assert budget.take("demo", 2) == 0


@given(st.integers(1, 1000), st.lists(st.floats(0, 5000), max_size=200))
def test_no_minute_sees_more_than_the_limit_and_one_burst(per_minute: int, pauses: list[float]) -> None:
    clock = HandClock()
    budget = LocalRateBudget(clock, {"demo": per_minute})
    sent: list[float] = []
    for pause in pauses:
        clock.ms += pause
        sent += [clock.ms] * (budget.take("demo") == 0)

    for begin in sent:
        in_a_minute = sum(begin <= moment < begin + 60_000 for moment in sent)
        assert in_a_minute <= per_minute + max(2, per_minute / 10) + 1


def test_a_changed_limit_holds_from_the_next_request_on(clock: HandClock) -> None:
    budget = LocalRateBudget(clock, {"demo": 60})
    granted(budget)
    budget.follow({"demo": 600, "new": 200})
    clock.ms += 1000
    assert granted(budget) == 10
    assert granted(budget, "new") == 20
