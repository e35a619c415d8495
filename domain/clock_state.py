"""How far a host's clock may be off, and what of it is to be told (RTS 25, CAT: business clocks and their logs)."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a host's kernel says of its clock, in ms; None where nobody can say. `source` is `kernel` or `none`.

    `offset_ms` is what the time service is still correcting, `max_error_ms` the bound of the error against UTC.
    """

    source: str
    synchronized: bool | None = None
    offset_ms: Decimal | None = None
    max_error_ms: Decimal | None = None
    estimated_error_ms: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DatabaseOffset:
    """The host's clock minus the database's, in ms, true to half of the `round_trip_ms` it was asked in."""

    offset_ms: Decimal
    round_trip_ms: Decimal


def unsynchronized(reading: ClockReading, most_error_ms: Decimal) -> str | None:
    """Return what is wrong with the host's clock in a sentence, None when nothing is, or when nobody can say."""
    if reading.synchronized is False:
        return "the kernel says that no time service keeps its clock"
    if reading.max_error_ms is not None and reading.max_error_ms > most_error_ms:
        return f"its clock may be {reading.max_error_ms} ms off UTC; at most {most_error_ms} ms are allowed"
    return None


def disagreement(found: DatabaseOffset, most_ms: Decimal) -> str | None:
    """Return how host and database disagree in a sentence; None while the time of the question may explain it."""
    sure_ms = abs(found.offset_ms) - found.round_trip_ms / 2
    if sure_ms <= most_ms:
        return None
    word = "ahead of" if found.offset_ms > 0 else "behind"
    return f"its clock is {abs(found.offset_ms)} ms {word} the database's; at most {most_ms} ms are allowed"
