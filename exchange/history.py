"""An account's worth over time, reckoned from what moved it and what everything cost then."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from exchange.decimals import ZERO
from exchange.quotes import Market
from exchange.state import Account, Activity, Fill

CASH_FLOWS = ("CSD", "CSW")
"""Activity types that pay money in or out; anything else changes an account's worth by profit or loss."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What an account was worth at a moment (USD), and what had been paid in by then, by activity type."""

    equity: Decimal
    flows: dict[str, Decimal]

    @property
    def paid_in(self) -> Decimal:
        """All payments since the account was opened, withdrawals negative."""
        return sum(self.flows.values(), ZERO)


@dataclass(slots=True)
class _Holdings:
    cash: Decimal
    quantities: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Shares by symbol; an option counts for the shares that it is about."""
    flows: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def take(self, activity: Activity) -> None:
        """Move on by one activity."""
        if isinstance(activity, Fill):
            shares = activity.qty * activity.multiplier * (1 if activity.side == "buy" else -1)
            self.cash -= shares * activity.price
            self.quantities[activity.symbol] += shares
            return
        self.cash += activity.net_amount
        if activity.symbol is not None:
            self.quantities[activity.symbol] += activity.qty * activity.multiplier
        if activity.type in CASH_FLOWS:
            self.flows[activity.type] += activity.net_amount

    def worth(self, market: Market, at_ns: int) -> Worth:
        """Value what is held at the last trades of a moment."""
        held = ((symbol, shares) for symbol, shares in self.quantities.items() if shares)
        value = sum((shares * market.last_at(symbol, at_ns) for symbol, shares in held), ZERO)
        return Worth(self.cash + value, {kind: self.flows[kind] for kind in CASH_FLOWS})


def worths(account: Account, market: Market, moments: Iterable[int]) -> Iterator[Worth]:
    """Give the account's worth just before each of the ascending moments (ns since the epoch)."""
    holdings, waiting = _Holdings(account.opening_cash), iter(account.activities)
    following = next(waiting, None)
    for moment in moments:
        while following is not None and following.at_ns < moment:
            holdings.take(following)
            following = next(waiting, None)
        yield holdings.worth(market, moment)
