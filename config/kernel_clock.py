"""What the kernel knows of this host's clock: asked by adjtimex(2) without changing anything, on Linux.

No other way tells the same for every time service (chrony, ntpd, systemd-timesyncd, PTP): each of them steers this one
clock and tells the kernel how sure it is. Elsewhere, or where it may not be asked, nobody can say.
"""

import ctypes
from decimal import Decimal

from domain.clock_state import ClockReading

_STA_UNSYNC, _STA_NANO = 0x0040, 0x2000  # linux/timex.h
_TIME_ERROR = 5
_LONG = ctypes.c_long


class _Timex(ctypes.Structure):
    """The head of struct timex; `modes` 0 reads. What follows is room for the rest of it, on every architecture."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", _LONG),
        ("freq", _LONG),
        ("maxerror", _LONG),
        ("esterror", _LONG),
        ("status", ctypes.c_int),
        ("rest", _LONG * 40),
    )


def read_kernel_clock() -> ClockReading:
    """Return what the kernel says; source `none` where it cannot be asked."""
    found = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):  # no such library, no such function
        state = -1
    return ClockReading("none") if state < 0 else _reading(state, found)


def _reading(state: int, found: _Timex) -> ClockReading:
    a_ms = 1_000_000 if found.status & _STA_NANO else 1000  # the offset's unit; the errors are always microseconds
    return ClockReading(
        source="kernel",
        synchronized=state != _TIME_ERROR and not found.status & _STA_UNSYNC,
        offset_ms=Decimal(found.offset) / a_ms,
        max_error_ms=Decimal(found.maxerror) / 1000,
        estimated_error_ms=Decimal(found.esterror) / 1000,
    )
