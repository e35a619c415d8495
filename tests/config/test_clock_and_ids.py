"""The real clock and the real ids: the only ones there are."""

import datetime as dt
import itertools
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS, trace_id


def test_the_time_is_aware_utc() -> None:
    now = SYSTEM_CLOCK.now()
    assert now.tzinfo is dt.UTC
    assert abs(now.timestamp() - time.time()) < 5  # noqa: TID251  the clock is the subject


def test_durations_never_step_back_and_are_milliseconds() -> None:
    times = [SYSTEM_CLOCK.monotonic_ms() for _ in range(1000)]
    assert times == sorted(times)
    time.sleep(0.05)
    assert 50 <= SYSTEM_CLOCK.monotonic_ms() - times[-1] < 1000


def test_durations_go_on_while_the_machine_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    hour_ns, read = 3_600_000_000_000, time.clock_gettime_ns

    def after_an_hour_of_sleep(clock: int) -> int:  # no test can suspend the machine: one clock alone has gone on
        return read(clock) + (hour_ns if clock == time.CLOCK_BOOTTIME else 0)

    before_ms = SYSTEM_CLOCK.monotonic_ms()
    monkeypatch.setattr(time, "clock_gettime_ns", after_an_hour_of_sleep)
    assert SYSTEM_CLOCK.monotonic_ms() - before_ms >= hour_ns / 1_000_000


def test_ids_are_of_version_seven() -> None:
    made = SYSTEM_IDS.new()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")


def test_an_id_carries_its_millisecond() -> None:
    before, made, after = SYSTEM_CLOCK.now(), SYSTEM_IDS.new(), SYSTEM_CLOCK.now()
    stamped = made.int >> 80
    assert int(before.timestamp() * 1000) <= stamped <= int(after.timestamp() * 1000)


def test_ids_order_by_time() -> None:
    ids = []
    for _ in range(20):
        ids.append(SYSTEM_IDS.new())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert [str(one) for one in ids] == sorted(str(one) for one in ids)


def test_no_two_ids_are_alike_on_any_thread() -> None:
    with ThreadPoolExecutor(4) as threads:
        batches = threads.map(lambda _: [SYSTEM_IDS.new() for _ in range(5000)], range(4))
    ids = list(itertools.chain(*batches))
    assert len(set(ids)) == 20_000


def test_every_random_bit_of_an_id_varies() -> None:
    ids = [SYSTEM_IDS.new().int for _ in range(400)]
    ever, always = 0, (1 << 128) - 1
    for one in ids:
        ever, always = ever | one, always & one
    random_bits = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)
    assert (ever & ~always) & random_bits == random_bits


def test_a_trace_id_is_32_hex_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id())
    assert trace_id() != trace_id()
