"""What a broker's stream says of an account's orders, in the house's words: a hint to be kept, then applied (R15)."""

from dataclasses import dataclass

from domain.broker import BrokerFill, BrokerOrder


@dataclass(frozen=True, slots=True)
class TradeUpdate:
    """One event of a stream.

    `key` is the same whenever the broker tells the same event. `raw` is JSON and kept as it came; what was no JSON is
    wrapped in it. `order` is None when the event names none, `fill` when it is no execution. `trouble` says what in it
    is not known to us; such an event is kept, and the order is asked for instead.
    """

    key: str
    event: str
    raw: str
    order: BrokerOrder | None = None
    fill: BrokerFill | None = None
    trouble: str | None = None
