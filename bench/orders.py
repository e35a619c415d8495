"""Orders through the whole house, and what became of each: told by our own record and by the exchange's ledger."""

import json
import time
from dataclasses import dataclass

from bench.load import Job, Sent, generate
from bench.measure import CpuMeter
from bench.world import ACCOUNTS, World

_PATH = "/api/v1/orders"
_SETTLE_S = 60
_SYMBOLS = ("F", "BAC", "INTC", "KO")
_LIMITS_USD = {"F": "12.00", "BAC": "41.00", "INTC": "23.00", "KO": "71.00"}  # above the seeded asks: they fill

_RECORD = """
SELECT broker_client_id, extract(epoch FROM requested_at)::float8, status, extract(epoch FROM updated_at)::float8
  FROM trading.orders WHERE client_order_id LIKE %s
"""
_OPEN = "SELECT count(*) FROM trading.orders WHERE client_order_id LIKE %s AND status <> 'filled'"


@dataclass(frozen=True, slots=True)
class Accounted:
    """Where every order of a load ended. Times in ms or epoch seconds as the names say."""

    sent: int
    recorded: int
    filled_at_exchange: int
    sent_twice: int
    filled_in_record: int
    to_broker_ms: list[float]
    last_received_at: float
    last_filled_at: float

    @property
    def complete(self) -> bool:
        """Tell whether every order that was sent is stored, filled once at the exchange, and known to be."""
        counts = {self.sent, self.recorded, self.filled_at_exchange, self.filled_in_record}
        return counts == {self.sent} and not self.sent_twice


@dataclass(frozen=True, slots=True)
class Load:
    """One load with its accounting, and the CPU seconds each process used until its last fill was recorded.

    `cpu_s` is empty where processes were to die under the load.
    """

    sent: Sent
    accounted: Accounted
    cpu_s: dict[str, float]

    @property
    def received_per_s(self) -> float:
        """Return orders a second from the first request to the last arrival at the exchange."""
        return len(self.accounted.to_broker_ms) / (self.accounted.last_received_at - self.sent.began_at)

    @property
    def settled_after_s(self) -> float:
        """Return seconds from the last answer to the last fill in our own record."""
        return self.accounted.last_filled_at - (self.sent.began_at + self.sent.seconds)


def place(world: World, label: str, count: int, *, rate: float | None = None, metered: bool = True) -> Load:
    """Send limit buys of one share for all accounts in turn; return when all are filled in our record, or after 60 s.

    `label` is unique within a run. `rate` is orders a second in an open loop, None: as fast as they are taken.
    """
    headers = {"Authorization": f"Bearer {world.token}"}
    bodies = [_body(label, number) for number in range(count)]
    job = Job(world.settings.api_port, _PATH, bodies, headers, rate)
    meter = CpuMeter(world.pids() if metered else {})
    sent = generate(job)
    _await_fills(world, label)
    cpu_s = meter.seconds()  # before the accounting, which costs the database something too
    return Load(sent, _account(world, label, sent), cpu_s)


def _body(label: str, number: int) -> str:
    symbol = _SYMBOLS[number % len(_SYMBOLS)]
    order = {
        "account": ACCOUNTS[number % len(ACCOUNTS)],
        "symbol": symbol,
        "side": "buy",
        "qty": "1",
        "type": "limit",
        "limit_price": _LIMITS_USD[symbol],
        "client_order_id": f"{label}-{number}",
    }
    return json.dumps(order)


def _await_fills(world: World, label: str) -> None:
    deadline = time.monotonic() + _SETTLE_S
    while world.rows(_OPEN, f"{label}-%")[0][0] and time.monotonic() < deadline:
        time.sleep(0.5)


def _account(world: World, label: str, sent: Sent) -> Accounted:
    record = world.rows(_RECORD, f"{label}-%")
    ledger = world.ledger(sent.began_at - 1)
    known = [(row, ledger[row[0]]) for row in record if row[0] in ledger]
    return Accounted(
        sent=len(sent.latency_ms),
        recorded=len(record),
        filled_at_exchange=sum(order["status"] == "filled" for _, order in known),
        sent_twice=sum(order["attempts"] > 1 for _, order in known),
        filled_in_record=sum(row[2] == "filled" for row in record),
        to_broker_ms=[(order["received_at"] - row[1]) * 1000 for row, order in known],
        last_received_at=max((order["received_at"] for _, order in known), default=sent.began_at),
        last_filled_at=max((row[3] for row in record), default=sent.began_at),
    )
