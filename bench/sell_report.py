"""What was measured of the seller, beside the goals of the design."""

from collections.abc import Iterable
from itertools import pairwise

from bench.measure import Latencies, median
from bench.orders import Load
from bench.rows import Row
from bench.sell import RATE, SellerFigures, Ticks
from bench.world import ACCOUNTS

TICK_P95_MS = 150
API_RATIO = 1.15
LINEAR = 1.1
"""The time of a tick for each position, many against few: what is fixed of a tick makes it smaller."""
BACK_S = 30


def seller_rows(figures: SellerFigures) -> list[Row]:
    """Return the lines of the seller's table."""
    return [*_tick_rows(figures), *_api_rows(figures), _back_row(figures)]


def _tick_rows(figures: SellerFigures) -> Iterable[Row]:
    for ticks in figures.ticks:
        total, prices = Latencies.of(ticks.total_ms), Latencies.of(ticks.price_ms)
        what = f"tick over {ticks.positions:,} positions, {len(ACCOUNTS)} accounts"
        if ticks.positions == figures.plan.few:
            yield Row(what, total.shown(), f"p95 <= {TICK_P95_MS}", total.p95 <= TICK_P95_MS)
        else:
            yield Row(what, total.shown())
        yield Row("  of which prices", prices.shown())
        yield Row("  requests the exchange counted a tick", f"{ticks.requests:.1f}", *_batched(ticks))
        yield Row("  CPU ms of the worker a tick", f"{ticks.cpu_ms:.0f}")
    few, many = (Latencies.of(ticks.total_ms).p50 / ticks.positions for ticks in figures.ticks)
    yield Row("  time for each position, many / few", f"{many / few:.2f}", f"<= {LINEAR}", many / few <= LINEAR)


def _batched(ticks: Ticks) -> tuple[str, bool]:
    batches = ticks.positions // 100
    return f"{batches}: batches of 100", round(ticks.requests) == batches


def _api_rows(figures: SellerFigures) -> Iterable[Row]:
    off = [_p95(pair[0]) for pairs in figures.rounds for pair in pairs.values()]
    yield Row(f"POST p95 at {RATE}/s, the seller off", f"{median(off):.1f} ms")
    yield Row("  off / off before: what is chance", _ratios([later / before for before, later in pairwise(off)]))
    for name in figures.rounds[0]:
        found = [_p95(state) / _p95(off) for off, state in (pairs[name] for pairs in figures.rounds)]
        yield Row(f"  {name} / off", _ratios(found), f"<= {API_RATIO}", median(found) <= API_RATIO)


def _p95(load: Load) -> float:
    return Latencies.of(load.sent.latency_ms).p95


def _ratios(found: list[float]) -> str:
    return f"{median(found):.2f} ({min(found):.2f} - {max(found):.2f})"


def _back_row(figures: SellerFigures) -> Row:
    worst = max(figures.back_s)
    return Row("from kill -9 to the next tick", f"{worst:.1f} s", f"<= {BACK_S} s", worst <= BACK_S)
