"""Many orders for few requests: each is told its own moment, so that waiting costs little (R5)."""

import heapq

from brokers.rate_budget import MAX_WAIT_S, LocalRateBudget
from tests.support.clock import HandClock


def test_three_hundred_orders_at_once_ask_a_few_times_each_instead_of_all_for_every_request() -> None:
    clock = HandClock()
    budget = LocalRateBudget(clock, {"a": 600})
    waiting = [(0.0, order) for order in range(300)]
    asked = 0
    while waiting:
        clock.ms, order = heapq.heappop(waiting)
        asked += 1
        wait_s = budget.take("a")
        if wait_s:
            heapq.heappush(waiting, (clock.ms + wait_s * 1000 + 5, order))
    assert asked <= 3 * 300
    assert clock.ms <= 40_000


def test_the_longest_wait_is_bounded() -> None:
    budget = LocalRateBudget(HandClock(), {"a": 60})
    assert max(budget.take("a") for _ in range(1000)) <= MAX_WAIT_S
