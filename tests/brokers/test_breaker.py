"""The circuit breaker, alone and shared in a real Redis: one behaviour, and all processes know it (R26)."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from brokers.breaker import Breaker, LocalBreaker
from brokers.shared_breaker import SharedBreaker
from config.clock import SYSTEM_CLOCK
from domain.breaker import BreakerRules
from tests.support.house import Bed, until
from tests.support.ports import free_port

_NUMBERS = itertools.count(1)
RULES = BreakerRules(failures=3, window_ms=30_000, pause_ms=200)
LONG = BreakerRules(failures=3, window_ms=30_000, pause_ms=60_000)


@pytest.fixture
def account() -> str:
    return f"breaker-{next(_NUMBERS)}"


@pytest.fixture(params=["alone", "shared"])
def make(quiet: Bed, request: pytest.FixtureRequest) -> Iterator[Callable[[BreakerRules], Breaker]]:
    made: list[Breaker] = []

    def new(rules: BreakerRules) -> Breaker:
        url = quiet.runtime.redis_url
        shared = request.param == "shared"
        made.append(SharedBreaker(url, SYSTEM_CLOCK, rules) if shared else LocalBreaker(SYSTEM_CLOCK, rules))
        return made[-1]

    yield new
    for one in made:
        one.close()


def fail(breaker: Breaker, account: str, times: int) -> None:
    for _ in range(times):
        breaker.met(account, "timeout")


def let_pass(ms: int) -> None:
    end = SYSTEM_CLOCK.monotonic_ms() + ms
    until(lambda: SYSTEM_CLOCK.monotonic_ms() > end)


def test_so_many_failures_in_a_row_hold_entries(make: Callable[[BreakerRules], Breaker], account: str) -> None:
    breaker = make(LONG)
    fail(breaker, account, 2)
    assert breaker.gate(account).wait_s == 0
    fail(breaker, account, 1)
    gate = breaker.gate(account)
    assert 0 < gate.wait_s <= 60
    assert not gate.is_probe
    assert breaker.gate("another").wait_s == 0


@pytest.mark.parametrize("between", [None, "insufficient_qty"], ids=["accepted", "refused"])
def test_an_answer_between_failures_begins_the_count_anew(
    make: Callable[[BreakerRules], Breaker], account: str, between: str | None
) -> None:
    breaker = make(LONG)
    fail(breaker, account, 2)
    breaker.met(account, between)
    fail(breaker, account, 2)
    assert breaker.gate(account).wait_s == 0


def test_a_limit_s_refusal_neither_counts_nor_helps(make: Callable[[BreakerRules], Breaker], account: str) -> None:
    breaker = make(LONG)
    fail(breaker, account, 2)
    for _ in range(3):
        breaker.met(account, "rate_limited")
    assert breaker.gate(account).wait_s == 0
    fail(breaker, account, 1)
    breaker.met(account, "rate_limited")
    assert breaker.gate(account).wait_s > 0


def test_failures_that_are_far_apart_do_not_count_together(
    make: Callable[[BreakerRules], Breaker], account: str
) -> None:
    breaker = make(BreakerRules(failures=2, window_ms=1, pause_ms=60_000))
    for _ in range(4):
        fail(breaker, account, 1)
        let_pass(5)
    assert breaker.gate(account).wait_s == 0


def test_after_the_pause_one_looks_and_an_answer_closes(make: Callable[[BreakerRules], Breaker], account: str) -> None:
    breaker = make(RULES)
    fail(breaker, account, 3)
    until(lambda: breaker.gate(account).is_probe)
    others = [breaker.gate(account) for _ in range(3)]
    assert not any(gate.is_probe for gate in others)
    assert all(gate.wait_s > 0 for gate in others)
    breaker.met(account, None)
    assert breaker.gate(account).wait_s == 0


def test_a_probe_that_fails_doubles_the_pause(make: Callable[[BreakerRules], Breaker], account: str) -> None:
    breaker = make(BreakerRules(failures=1, window_ms=30_000, pause_ms=1000))
    fail(breaker, account, 1)
    fail(breaker, account, 5)  # what tries on while it is open neither lengthens the pause nor shortens it
    assert breaker.gate(account).wait_s <= 1
    until(lambda: breaker.gate(account).is_probe)
    fail(breaker, account, 1)
    assert 1 < breaker.gate(account).wait_s <= 2


def test_what_one_process_meets_all_know(quiet: Bed, account: str) -> None:
    first, second = (SharedBreaker(quiet.runtime.redis_url, SYSTEM_CLOCK, LONG) for _ in range(2))
    for breaker in (first, second, first):
        fail(breaker, account, 1)
    assert first.gate(account).wait_s > 0
    assert second.gate(account).wait_s > 0
    second.met(account, None)
    assert first.gate(account).wait_s == 0
    first.close()
    second.close()


def test_while_redis_is_away_a_process_counts_alone(account: str) -> None:
    breaker = SharedBreaker(f"redis://127.0.0.1:{free_port()}/0", SYSTEM_CLOCK, LONG)
    assert breaker.gate(account).wait_s == 0
    fail(breaker, account, 3)
    assert breaker.gate(account).wait_s > 0
    breaker.met(account, None)
    assert breaker.gate(account).wait_s == 0
    breaker.close()
