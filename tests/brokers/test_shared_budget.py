"""The budget all workers share: one sum in a real Redis, exits first, a refusal stops everybody (US-SYSTEM-013)."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from brokers.rate_budget import Allowance, Purpose
from brokers.shared_budget import SharedRateBudget
from config.clock import SYSTEM_CLOCK
from stack.waiting import poll
from tests.support.house import Bed
from tests.support.ports import free_port

_NUMBERS = itertools.count(1)
REFUSED = Allowance(refused=True, resets_in_s=0.5)


@pytest.fixture
def account(quiet: Bed) -> Iterator[str]:
    name = f"budget-{next(_NUMBERS)}"
    yield name
    with redis.Redis.from_url(quiet.runtime.redis_url) as store:
        store.delete(f"opitios:budget:{name}")


def budget(url: str, account: str, per_minute: float) -> SharedRateBudget:
    return SharedRateBudget(url, SYSTEM_CLOCK, {account: per_minute}, processes=3)


@pytest.fixture
def pair(quiet: Bed, account: str) -> Iterator[tuple[SharedRateBudget, SharedRateBudget]]:
    """Two processes' budgets of one account with 200 requests a minute: 20 at once, then 3 a second."""
    made = tuple(budget(quiet.runtime.redis_url, account, 200) for _ in range(2))
    yield made  # type: ignore[misc]
    for one in made:
        one.close()


def granted(shared: SharedRateBudget, account: str, purpose: Purpose = Purpose.MANUAL, tries: int = 100) -> int:
    return sum(shared.take(account, purpose=purpose) == 0 for _ in range(tries))


@pytest.mark.requirement("US-SYSTEM-013")
def test_two_processes_have_one_sum(account: str, pair: tuple[SharedRateBudget, SharedRateBudget]) -> None:
    with ThreadPoolExecutor(8) as threads:
        taken = sum(threads.map(lambda number: granted(pair[number % 2], account, tries=10), range(8)))
    assert 20 <= taken <= 21


def test_what_is_automatic_leaves_a_part_for_what_protects_and_for_people(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget]
) -> None:
    assert granted(pair[0], account, Purpose.UPKEEP) == 12
    assert granted(pair[0], account, Purpose.AUTOMATIC) in {8, 9}
    assert pair[0].take(account, purpose=Purpose.AUTOMATIC) > 0


def test_upkeep_alone_never_uses_the_whole_limit(account: str, pair: tuple[SharedRateBudget, SharedRateBudget]) -> None:
    assert granted(pair[0], account, Purpose.UPKEEP) == 12
    assert 8 <= granted(pair[1], account, Purpose.PROTECT, tries=9) <= 9


def test_what_protects_gets_the_next_free_request(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget]
) -> None:
    granted(pair[0], account)
    waits = [pair[0].take(account, purpose=Purpose.MANUAL) for _ in range(3)]
    protects = pair[1].take(account, purpose=Purpose.PROTECT)
    assert 0 < protects < min(waits)
    got: dict[Purpose, int] = {}

    def both_tried() -> bool:
        for purpose in (Purpose.MANUAL, Purpose.PROTECT):
            if purpose not in got and pair[0].take(account, purpose=purpose) == 0:
                got[purpose] = len(got)
        return Purpose.PROTECT in got

    assert poll(both_tried, seconds=2, pause_s=0.01)
    assert got[Purpose.PROTECT] == 0


def test_those_who_wait_are_told_one_moment_after_the_other(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget]
) -> None:
    granted(pair[0], account, tries=20)
    waits = [pair[number % 2].take(account, purpose=Purpose.MANUAL) for number in range(4)]
    assert all(later - sooner > 0.2 for sooner, later in itertools.pairwise(waits))


def test_a_refusal_stops_every_process_until_the_brokers_limit_is_free(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget]
) -> None:
    assert pair[1].take(account, purpose=Purpose.PROTECT) == 0
    pair[0].told(account, REFUSED)
    assert 0 < pair[1].take(account, purpose=Purpose.PROTECT) <= 0.5
    entry = pair[1].take(account, purpose=Purpose.MANUAL)
    assert entry > pair[1].take(account, purpose=Purpose.PROTECT)
    assert poll(lambda: pair[1].take(account, purpose=Purpose.PROTECT) == 0, seconds=2)


def test_refusals_without_a_moment_are_waited_out_for_one_two_and_four_seconds(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget], quiet: Bed
) -> None:
    waits = []
    with redis.Redis.from_url(quiet.runtime.redis_url) as store:
        for _ in range(4):
            store.hdel(f"opitios:budget:{account}", "blocked")
            pair[0].told(account, Allowance(refused=True))
            waits.append(round(pair[1].take(account, purpose=Purpose.PROTECT)))
    assert waits == [1, 2, 4, 4]


def test_what_the_broker_says_is_left_is_believed(
    account: str, pair: tuple[SharedRateBudget, SharedRateBudget]
) -> None:
    assert pair[0].take(account, purpose=Purpose.PROTECT) == 0
    pair[0].told(account, Allowance(refused=False, limit=200, remaining=3))
    assert granted(pair[1], account, Purpose.PROTECT) == 3


def test_a_fast_account_does_not_ask_redis_for_each_request(quiet: Bed, account: str) -> None:
    shared = budget(quiet.runtime.redis_url, account, 100_000)
    with redis.Redis.from_url(quiet.runtime.redis_url) as store:
        before = store.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
        assert granted(shared, account, tries=200) == 200
        after = store.info("commandstats")["cmdstat_evalsha"]["calls"]
    shared.close()
    assert after - before <= 4


def test_without_redis_each_process_keeps_to_its_own_share(account: str) -> None:
    shared = budget(f"redis://127.0.0.1:{free_port()}/0", account, 300)
    assert granted(shared, account) == 10
    shared.told(account, REFUSED)
    assert shared.take(account, purpose=Purpose.PROTECT) > 0
    shared.close()


def test_a_redis_that_hangs_costs_a_quarter_of_a_second_once(quiet: Bed, account: str) -> None:
    shared = budget(quiet.runtime.redis_url, account, 200)
    assert shared.take(account) == 0
    began = SYSTEM_CLOCK.monotonic_ms()
    from tests.support.stopped import stopped  # noqa: PLC0415

    with stopped(quiet.servers.pid("redis") or 0):
        for _ in range(5):
            shared.take(account)
    assert SYSTEM_CLOCK.monotonic_ms() - began < 900
    shared.close()
