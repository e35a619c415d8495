"""What was measured, beside the goals of the design, and the raw figures for a file."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from bench.measure import Latencies, median
from bench.orders import Load
from bench.record.measure import RecordFigures
from bench.record.report import record_note, record_rows
from bench.rows import Row, table
from bench.sell import SellerFigures
from bench.sell_report import seller_rows
from bench.session import FAST, SLOW, Figures
from bench.world import ACCOUNTS, RATE_LIMIT

POST_P95_MS = 6
TO_BROKER_P95_MS = 10
ORDERS_PER_S = 220
ORDERS_PER_NOOP_TASK = 0.18
CPU_PER_ORDER_MS = 7
WORKER_CPU_PER_ORDER_MS = 3


def rows_of(figures: Figures) -> list[Row]:
    """Return the table's lines; every number is of this run."""
    return [*_answers(figures), *_ways(figures), *_bursts(figures), *_cpu(figures), accounted_row(figures.loads())]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its parts, None for those that were not asked for, what the loads ran on, and its seconds in all."""

    machine: dict[str, str]
    orders: Figures | None
    seller: SellerFigures | None
    record: RecordFigures | None
    seconds: float

    def whole(self) -> bool:
        """Tell whether every order is accounted for, and every event sealed exactly once."""
        loads = all(load.accounted.complete for load in self.loads())
        return loads and (self.record is None or self.record.sealed.once)

    def loads(self) -> list[Load]:
        """Return every load of orders."""
        return [load for part in (self.orders, self.seller) if part is not None for load in part.loads()]

    def tables(self) -> dict[str, list[Row]]:
        """Return the lines by the title above them."""
        found = {}
        if self.orders is not None:
            found["Orders through the whole house"] = rows_of(self.orders)
        if self.seller is not None:
            found["The seller"] = [*seller_rows(self.seller), accounted_row(self.seller.loads())]
        if self.record is not None:
            found["The record"] = record_rows(self.record)
        return found


def show(measured: Measured, console: Console) -> None:
    """Print the tables and what they hold for."""
    for title, rows in measured.tables().items():
        console.print(table(title, rows))
    if measured.loads():
        console.print(_note(measured))
    if measured.record is not None:
        console.print(record_note(measured.record))
    console.print(f"{measured.seconds:.0f} s in all.")


def _note(measured: Measured) -> str:
    machine = measured.machine
    return (
        "Three numbers are p50 / p95 / p99; latencies count from the scheduled time of a request. "
        f"{machine['cores']} cores for everything, load and exchange included; Python {machine['python']}, Postgres "
        f"{machine['postgres']}, {machine['redis']}. {len(ACCOUNTS)} accounts; the exchange was given "
        f"{RATE_LIMIT:,} requests a minute an account instead of 200. {_generator(measured.loads())}"
    )


def raw(measured: Measured) -> dict[str, Any]:
    """Return everything that was measured, for a JSON file."""
    rows = [asdict(row) for rows in measured.tables().values() for row in rows]
    return asdict(measured) | {"rows": rows}


def _answers(figures: Figures) -> Iterable[Row]:
    slow = Latencies.of(_pooled(load.sent.latency_ms for load in figures.slow))
    fast = Latencies.of(_pooled(load.sent.latency_ms for load in figures.fast))
    bare = Latencies.of(_pooled(sent.latency_ms for sent in figures.bare_route))
    yield Row(f"POST answered, {SLOW}/s", slow.shown())
    yield Row(f"POST answered, {FAST}/s", fast.shown(), f"p95 <= {POST_P95_MS}", fast.p95 <= POST_P95_MS)
    yield Row(f"  a bare FastAPI route, {FAST}/s", bare.shown())
    yield Row("  ratio of the p95", f"{fast.p95 / bare.p95:.1f}")


def _ways(figures: Figures) -> Iterable[Row]:
    slow = Latencies.of(_pooled(load.accounted.to_broker_ms for load in figures.slow))
    fast = Latencies.of(_pooled(load.accounted.to_broker_ms for load in figures.fast))
    yield Row(f"POST received -> at the broker, {SLOW}/s", slow.shown())
    yield Row(
        f"POST received -> at the broker, {FAST}/s",
        fast.shown(),
        f"p95 <= {TO_BROKER_P95_MS}",
        fast.p95 <= TO_BROKER_P95_MS,
    )


def _bursts(figures: Figures) -> Iterable[Row]:
    orders = median(load.received_per_s for load in figures.bursts)
    taken = median(len(load.sent.latency_ms) / load.sent.seconds for load in figures.bursts)
    noop = median(figures.noop_per_s)
    size = f"{figures.plan.burst:,} at once"
    yield Row(f"orders/s end to end, {size}", f"{orders:.0f}", f">= {ORDERS_PER_S}", orders >= ORDERS_PER_S)
    yield Row("  taken by the API meanwhile, orders/s", f"{taken:.0f}")
    yield Row("  Celery tasks/s that do nothing", f"{noop:.0f}")
    ratio = orders / noop
    yield Row(
        "  ratio of the two", f"{ratio:.2f}", f">= {ORDERS_PER_NOOP_TASK}", round(ratio, 2) >= ORDERS_PER_NOOP_TASK
    )
    if figures.bursts_with_events:
        with_events = median(load.received_per_s for load in figures.bursts_with_events)
        yield Row("  orders/s with worker events on", f"{with_events:.0f} ({with_events / orders - 1:+.0%})")
    calls = figures.bare_calls
    yield Row("  alpaca-py alone, one thread", f"{calls.per_s:.0f}/s, {calls.cpu_ms:.2f} ms CPU a call")


def _cpu(figures: Figures) -> Iterable[Row]:
    orders = sum(load.accounted.sent for load in figures.fast)
    spent = {name: sum(load.cpu_s[name] for load in figures.fast) / orders * 1000 for name in figures.fast[0].cpu_s}
    total, worker = sum(spent.values()), spent["worker-entries"]
    yield Row(
        f"CPU ms an order at {FAST}/s, but the exchange",
        f"{total:.1f}",
        f"<= {CPU_PER_ORDER_MS}",
        total <= CPU_PER_ORDER_MS,
    )
    yield Row(
        "  worker-entries, which places",
        f"{worker:.1f}",
        f"<= {WORKER_CPU_PER_ORDER_MS}",
        worker <= WORKER_CPU_PER_ORDER_MS,
    )
    others = sorted((name for name in spent if name != "worker-entries"), key=spent.__getitem__, reverse=True)
    yield from (Row(f"  {name}", f"{spent[name]:.1f}") for name in others)
    at_rest = sum(figures.rest_cpu_s.values()) / figures.plan.rest_s
    yield Row("  of which at rest: ms a second", f"{at_rest * 1000:.0f} ({at_rest:.0%} of a core)")


def accounted_row(loads: Sequence[Load]) -> Row:
    """Return the line that tells whether every order was stored, filled once, and known to be."""
    sent, filled = sum(load.accounted.sent for load in loads), sum(load.accounted.filled_at_exchange for load in loads)
    known, twice = (
        sum(load.accounted.filled_in_record for load in loads),
        sum(load.accounted.sent_twice for load in loads),
    )
    other = sum(len(load.sent.latency_ms) - load.sent.statuses.get("202", 0) for load in loads)
    slowest = max(load.settled_after_s for load in loads)
    figure = "\n".join(
        (
            f"{sent:,} sent, {other} not answered 202,",
            f"{filled:,} filled, {known:,} known filled,",
            f"{twice} sent twice; last after {slowest:.1f} s",
        )
    )
    return Row("every order accounted for", figure, "all, once", all(load.accounted.complete for load in loads))


def _generator(loads: Sequence[Load]) -> str:
    late = Latencies.of(_pooled(load.sent.late_ms for load in loads))
    sent = sum(len(load.sent.late_ms) for load in loads)
    cpu_ms = sum(load.sent.cpu_s for load in loads) / sent * 1000
    return f"The load itself: {cpu_ms:.2f} ms CPU a request, p95 {late.p95:.1f} ms late (part of the latencies)."


def _pooled(rounds: Iterable[list[float]]) -> list[float]:
    return [value for values in rounds for value in values]
