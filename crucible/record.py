"""What one run leaves behind, from three sides: what callers were told, what Postgres says, what the exchange did."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from config.clock import SYSTEM_CLOCK

_MOST_SAID = 60


@dataclass
class Asked:
    """One wish as its caller saw it: the order ids it was told (202), or why it was refused (a 4xx).

    An order that does not end by itself works until its caller has it cancelled.
    """

    number: int
    key: str
    account: str
    terms: dict[str, str]
    replaces: str | None = None
    ends_by_itself: bool = True
    order_ids: list[str] = field(default_factory=list)
    acknowledged_at: str | None = None
    refused: str | None = None
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a line to the timeline; a wish that is asked for very often keeps its first lines."""
        if len(self.said) < _MOST_SAID:
            self.said.append(f"{SYSTEM_CLOCK.now():%H:%M:%S.%f} caller {text}")


@dataclass(frozen=True)
class Record:
    """Everything the judge looks at; every number is a decimal string, every time ISO 8601.

    `orders`, `fills`, `events`, `balances` are rows of Postgres, `ledger` the exchange's accounts at the end and
    `opening` those at the beginning. `rule` is the minimum every account is held to, in USD.
    """

    asked: list[Asked]
    orders: list[dict[str, Any]]
    fills: list[dict[str, Any]]
    events: list[dict[str, Any]]
    balances: dict[str, str]
    opening: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    minimum: str
    healed_at: str

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, default=str))
