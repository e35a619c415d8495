"""How quickly and how far orders fill: one rule for the exchange, and one a symbol that overrides parts of it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

DEFAULTS: dict[str, Any] = {"delay_ms": 30, "never": False, "partial": None, "cancel_delay_ms": 0}


@dataclass(frozen=True, slots=True)
class FillRule:
    """`delay_s` before an order is tried; `partial`: fill only that much and leave the rest to a command.

    An order goes on filling for `cancel_delay_s` after its cancel was taken.
    """

    delay_s: float
    never: bool
    partial: Decimal | None
    cancel_delay_s: float


class FillRules:
    """The scripted settings; a symbol's null falls back to the exchange's, the exchange's null to the default."""

    def __init__(self) -> None:
        self._general = dict(DEFAULTS)
        self._by_symbol: dict[str, dict[str, Any]] = {}
        self._made: dict[str, FillRule] = {}

    def change(self, symbol: str | None, changes: dict[str, Any]) -> None:
        """Change the fields given, of one symbol or (None) of the exchange."""
        self._made.clear()
        if symbol is None:
            self._general.update({k: DEFAULTS[k] if v is None else v for k, v in changes.items()})
            return
        own = self._by_symbol.setdefault(symbol, {})
        own.update(changes)
        self._by_symbol[symbol] = {k: v for k, v in own.items() if v is not None}

    def rule(self, symbol: str) -> FillRule:
        """Give what holds for one symbol now."""
        made = self._made.get(symbol)
        if made is None:
            parts = {**self._general, **self._by_symbol.get(symbol, {})}
            partial = parts["partial"]
            bound = None if partial is None else Decimal(partial)
            made = FillRule(parts["delay_ms"] / 1000, parts["never"], bound, parts["cancel_delay_ms"] / 1000)
            self._made[symbol] = made
        return made

    def shown(self) -> dict[str, Any]:
        """Give the settings as the control port prints them."""
        return {**self._general, "symbols": self._by_symbol}
