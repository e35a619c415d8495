"""The kernel is asked for its clock, and nobody to ask is an answer too."""

import ctypes
import sys
from decimal import Decimal

import pytest

from config.kernel_clock import _reading, _Timex, read_kernel_clock
from domain.clock_state import ClockReading


@pytest.mark.skipif(sys.platform != "linux", reason="adjtimex is Linux's")
def test_the_kernel_says_how_sure_it_is_or_may_not_be_asked() -> None:
    found = read_kernel_clock()
    assert found.source in {"kernel", "none"}
    assert (found.max_error_ms is not None) is (found.source == "kernel")


@pytest.mark.parametrize(
    ("state", "status", "synchronized", "offset_ms"),
    [
        (0, 0x2001, True, "1.5"),  # TIME_OK; the offset is in nanoseconds
        (0, 0x0001, True, "1500"),  # in microseconds
        (5, 0x0041, False, "1500"),  # TIME_ERROR, STA_UNSYNC
        (0, 0x0041, False, "1500"),
    ],
)
def test_its_words_are_read_as_they_are_meant(state: int, status: int, *, synchronized: bool, offset_ms: str) -> None:
    found = _reading(state, _Timex(offset=1_500_000, maxerror=2500, esterror=500, status=status))
    assert found == ClockReading("kernel", synchronized, Decimal(offset_ms), Decimal("2.5"), Decimal("0.5"))


def test_where_it_cannot_be_asked_nobody_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # a C library without adjtimex
    assert read_kernel_clock() == ClockReading("none")
