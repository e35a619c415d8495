"""What a report is: a view, the columns a table shows, and which of them its filters mean."""

from collections.abc import Mapping
from dataclasses import dataclass, field

BY_ORDER: Mapping[str, str] = {
    "symbol": "symbol",
    "side": "side",
    "account_type": "account_type",
    "account_type_source": "account_type_source",
    "broker": "broker",
}
"""The filters of what is about single orders."""
BY_KIND: Mapping[str, str] = {"account_type": "account_type", "account_type_source": "account_type_source"}
"""The filters of what is about accounts."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its view, the columns a table shows (a file has all), and which columns its filters mean.

    `order_by` tells any two rows apart: pages begin where the last one ended. `filters` are the report's own, by name.
    `account_column` is None for what is about no account: nothing of it may
    be asked for by one.
    """

    name: str
    view: str
    what: str
    shown: tuple[str, ...]
    order_by: str
    day_column: str = "order_date"
    account_column: str | None = "account"
    filters: Mapping[str, str] = field(default_factory=dict)
