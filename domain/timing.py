"""The documented line of an operation at the broker, the same for every part of the house (TRD-001, FR-005).

A line is a message and its fields. How both read as text stands here; `config/log_lines.py` writes JSON of the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_SEPARATE = ("order_id", "duration_ms", "success", "error")
_TOGETHER = ("account", "account_type", "network_ms", "source")


class Step(StrEnum):
    """What was done, or what the broker told; the words of the line follow from it."""

    PLACE = "place"
    REPLACE = "replace"
    CANCEL = "cancel"
    SETTLE = "settle"
    BALANCE_READ = "balance_read"
    PRICE_READ = "price_read"
    ACCEPTED = "accepted"
    FILLED = "filled"
    PARTIALLY_FILLED = "partially_filled"
    CANCELED = "canceled"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REJECTED = "rejected"


_WORDS = {
    Step.PLACE: ("Order placed", "Order failed"),
    Step.REPLACE: ("Order replacement placed", "Order replacement failed"),
    Step.CANCEL: ("Order cancel sent", "Order cancel failed"),
    Step.SETTLE: ("Order settled", "Order settlement failed"),
    Step.BALANCE_READ: ("Balance read", "Balance read failed"),
    Step.PRICE_READ: ("Price read", "Price read failed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One operation in numbers: durations in ms, None where there was none; `error` is None for a success."""

    step: Step
    account: str
    account_type: str
    source: str
    total_ms: float | None  # float: milliseconds
    network_ms: float | None  # float: milliseconds
    error: str | None = None

    @property
    def success(self) -> bool:
        """Whether the operation did what it was meant to."""
        return self.error is None

    @property
    def message(self) -> str:
        """The words of the step and what it was about: `Order placed: BUY AAPL qty=100`."""
        done, failed = _WORDS.get(self.step, (f"Order {self.step.value.replace('_', ' ')}",) * 2)
        return f"{done if self.success else failed}: {self.subject}"

    @property
    def subject(self) -> str:
        """What it was about."""
        return self.account

    def fields(self) -> dict[str, object]:
        """Return the line's fields by name."""
        outcome = {"success": True} if self.success else {"success": False, "error": self.error}
        duration = {} if self.total_ms is None else {"duration_ms": self.total_ms}
        return {
            **duration,
            **outcome,
            "account": self.account,
            "account_type": self.account_type,
            "network_ms": self.network_ms,
            "source": self.source,
            "operation": self.step.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine(Line):
    """One operation of an order: `size` as OrderTerms gives it, `price` of a fill."""

    step: Step = Step.PLACE
    side: str
    symbol: str
    size: str
    order_id: str | None
    price: str | None = None

    @property
    def subject(self) -> str:
        """`BUY AAPL qty=100`."""
        price = "" if self.price is None else f" price={self.price}"
        return f"{self.side.upper()} {self.symbol} qty={self.size}{price}"

    def fields(self) -> dict[str, object]:
        """Return the line's fields by name."""
        order = {} if self.order_id is None else {"order_id": self.order_id}
        return {**order, **Line.fields(self), "symbol": self.symbol}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine(Line):
    """One read at the broker: `what` was found, of which symbol."""

    what: str
    symbol: str | None = None

    @property
    def subject(self) -> str:
        """What was found, else whose it is."""
        return self.what

    def fields(self) -> dict[str, object]:
        """Return the line's fields by name."""
        return Line.fields(self) | ({} if self.symbol is None else {"symbol": self.symbol})


def render(message: str, fields: Mapping[str, object]) -> str:
    """Return message and fields as text: one line, whatever they hold.

    `Order placed: BUY AAPL qty=100 | order_id=... | duration=245ms | success=true | account=... account_type=paper
    network=198ms source=api | trace_id=...`; a failure says `error=...` instead of `success=true`.
    """
    pairs = {name: _pair(name, value) for name, value in fields.items()}
    if fields.get("success") is False:
        del pairs["success"]
    parts = [_escaped(message)]
    parts += [pairs.pop(name) for name in _SEPARATE if name in pairs]
    for group in ([pairs.pop(name) for name in _TOGETHER if name in pairs], pairs.values()):
        if group:
            parts.append(" ".join(group))
    return " | ".join(parts)


def _pair(name: str, value: object) -> str:
    if isinstance(value, str):
        return f"{name}={_escaped(value).replace(' ', '_')}"  # a space would begin the next field
    if name.endswith("_ms"):
        return f"{name.removesuffix('_ms')}={'-' if value is None else f'{value:.0f}ms'}"
    return _pair(name, str(value).lower() if isinstance(value, bool) else str(value))


def _escaped(text: str) -> str:
    if text.isprintable() and "|" not in text:
        return text
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown.replace("|", "¦")


def escaped_lines(text: str) -> str:
    """Return text of several lines, a traceback, so that none of them can be taken for a line of the log."""
    return "".join(f"\n    {_escaped(line)}" for line in text.rstrip("\n").split("\n"))


def safe(value: str) -> str:
    """Return a caller's text so that it can forge neither a line nor a field: no control characters, no bars."""
    return "".join(char if char.isprintable() and char != "|" else "?" for char in value)
