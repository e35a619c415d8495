"""Hints against a real Redis: spaced where asked for, and a hung Redis holds nobody who leaves (R1)."""

import json
from collections.abc import Iterator

import pytest

from config.celery import BACKGROUND_QUEUE, CHECK_BALANCE, ENTRY_QUEUE, PLACE_ENTRY
from config.clock import SYSTEM_CLOCK
from events import hints
from events.hints import HintPublisher
from stack.waiting import poll
from tests.support.house import Bed
from tests.support.stack import Harness
from tests.support.stopped import stopped


@pytest.fixture
def servers(quiet: Bed) -> Iterator[Harness]:
    broker = quiet.servers.broker()
    broker.flushall()
    yield quiet.servers
    broker.flushall()
    broker.close()


@pytest.fixture
def publisher(servers: Harness) -> Iterator[HintPublisher]:
    made = HintPublisher(servers.stack().runtime.redis_url)
    yield made
    made.close()


def hinted(servers: Harness, queue: str, argument: str = "") -> int:
    """Return how many hints wait, of those that name this argument."""
    broker = servers.broker()
    try:
        return sum(f"('{argument}" in json.loads(item)["headers"]["argsrepr"] for item in broker.lrange(queue, 0, -1))
    finally:
        broker.close()


def test_equal_spaced_hints_leave_as_two(servers: Harness, publisher: HintPublisher) -> None:
    publisher.hint(CHECK_BALANCE, "other", every_ms=1000)
    assert poll(lambda: hinted(servers, BACKGROUND_QUEUE, "other") == 1, seconds=3)
    for _ in range(50):
        publisher.hint(CHECK_BALANCE, "one", every_ms=1000)
    assert poll(lambda: hinted(servers, BACKGROUND_QUEUE, "one") == 1, seconds=3)
    assert poll(lambda: hinted(servers, BACKGROUND_QUEUE, "one") == 2, seconds=3)
    assert not poll(lambda: hinted(servers, BACKGROUND_QUEUE, "one") > 2, seconds=1.5)


def test_what_waits_leaves_at_the_end(servers: Harness) -> None:
    publisher = HintPublisher(servers.stack().runtime.redis_url)
    for number in range(100):
        publisher.hint(PLACE_ENTRY, str(number))
    for _ in range(2):
        publisher.hint(CHECK_BALANCE, "one", every_ms=1000)
    publisher.close()
    assert hinted(servers, ENTRY_QUEUE) == 100
    assert hinted(servers, BACKGROUND_QUEUE, "one") >= 1


def test_a_hung_redis_holds_neither_a_hint_nor_the_end(servers: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "_QUEUE_LIMIT", 10)
    publisher = HintPublisher(servers.stack().runtime.redis_url)
    pid = servers.pid("redis")
    assert pid is not None
    with stopped(pid):
        began = SYSTEM_CLOCK.monotonic_ms()
        for number in range(100):
            publisher.hint(PLACE_ENTRY, str(number))  # most find the queue full
        assert SYSTEM_CLOCK.monotonic_ms() - began < 1000
        assert not publisher.ping()
        assert publisher.depth(PLACE_ENTRY) is None
        assert SYSTEM_CLOCK.monotonic_ms() - began < 6000
        began = SYSTEM_CLOCK.monotonic_ms()
        publisher.close()
        assert SYSTEM_CLOCK.monotonic_ms() - began < 7000
