"""How long a bar is, and where one begins: minutes and hours from midnight in New York, days, weeks, months."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from exchange.bars import MINUTE_NS

_SPELLINGS = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_ALLOWED = {
    "Min": range(1, 60),
    "Hour": range(1, 24),
    "Day": (1,),
    "Week": (1,),
    "Month": (1, 2, 3, 4, 6, 12),
}
_SHAPE = re.compile(r"([1-9]\d?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")


@dataclass(frozen=True, slots=True)
class Timeframe:
    """`count` of a unit of Min, Hour, Day, Week or Month."""

    count: int
    unit: str

    @property
    def length_ns(self) -> int | None:
        """How long a bar within a day is, None for days and longer."""
        return {"Min": self.count * MINUTE_NS, "Hour": self.count * 60 * MINUTE_NS}.get(self.unit)

    def first_day(self, day: date) -> date:
        """Give the first day of the bar that a day belongs to."""
        if self.unit == "Week":
            return day - timedelta(days=day.weekday())
        if self.unit == "Month":
            return day.replace(month=(day.month - 1) // self.count * self.count + 1, day=1)
        return day


def parse_timeframe(text: str) -> Timeframe | None:
    """Read `5Min`, `1T`, `12Hour`, `1D`, `1Week`, `3Month`; None when it is none that Alpaca lists."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    count, unit = int(match[1]), _SPELLINGS.get(match[2], match[2])
    return Timeframe(count, unit) if count in _ALLOWED[unit] else None
