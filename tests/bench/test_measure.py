import os
import subprocess
import sys
import time

import pytest

from bench.measure import CpuMeter, Latencies, cpu_seconds, median, percentile

BURN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (50, 50),
        (95, 95),
        (99, 99),
        (100, 100),
        (0, 1),  # no rank below the first
        (94.1, 95),  # between two ranks: the upper one, which was measured
    ],
)
def test_a_percentile_is_the_nearest_rank(percent: float, expected: float) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 95)


def test_a_median_is_a_value_that_was_measured() -> None:
    assert median([9.0, 1.0, 5.0, 7.0]) == 5.0


def test_latencies_are_summed_up_in_their_order() -> None:
    assert Latencies.of([float(ms) for ms in range(1, 201)]).shown() == "100.0 / 190.0 / 198.0 ms"


def test_cpu_of_a_process_counts_its_children_running_and_ended() -> None:
    ended = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {BURN.format(seconds=0.3)!r}])\n"
    running = f"subprocess.Popen([sys.executable, '-c', {(BURN.format(seconds=0.3) + 'time.sleep(30)')!r}])\n"
    code = ended + running + "print('started', flush=True)\ntime.sleep(30)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            deadline = time.monotonic() + 5  # noqa: TID251  a real process is waited for
            while cpu_seconds(process.pid) < 0.6 and time.monotonic() < deadline:  # noqa: TID251  likewise
                time.sleep(0.05)
            assert 0.6 <= cpu_seconds(process.pid) < 1.5
        finally:
            os.killpg(process.pid, 9)


def test_a_meter_counts_from_its_making() -> None:
    meter = CpuMeter({"me": os.getpid()})
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass

    assert meter.seconds()["me"] == pytest.approx(0.2, abs=0.15)


def test_a_process_that_is_gone_is_no_zero() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    with pytest.raises(ProcessLookupError):
        cpu_seconds(gone.pid)
