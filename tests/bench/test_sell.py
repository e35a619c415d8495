from dataclasses import replace

import pytest

from bench.load import Sent
from bench.orders import Accounted, Load
from bench.sell import QUICK, SellerFigures, Ticks
from bench.sell_report import seller_rows
from bench.seller import symbols
from domain.occ import is_occ_symbol
from exchange.options import parse_contract

STATES = ("on", "on, price endpoints hang")
WHOLE = Accounted(1, 1, 1, 0, 1, [1.0], last_received_at=0, last_filled_at=0)


def load(p95_ms: float) -> Load:
    return Load(Sent([p95_ms] * 20, [0.0] * 20, {"202": 20}, began_at=0, seconds=1, cpu_s=0), WHOLE, {})


def figures(**p95_ms: float) -> SellerFigures:
    made = SellerFigures(QUICK, back_s=[4.0])
    made.ticks = [
        Ticks(count, [tick] * 10, [1.0] * 10, 1.0, 1, count // 10) for count, tick in ((1000, 90), (5000, 400))
    ]
    made.rounds = [{name: (load(10), load(p95_ms.get(name, 10))) for name in STATES}] * 3
    return made


def lines(of: SellerFigures) -> dict[str, tuple[str, bool | None]]:
    return {row.what.strip(): (row.figure, row.reached) for row in seller_rows(of)}


def test_five_thousand_options_can_be_named_and_traded() -> None:
    named = symbols(5000)
    assert len(set(named)) == 5000
    assert all(is_occ_symbol(symbol) and parse_contract(symbol) for symbol in named)


def test_the_time_for_a_position_is_compared_between_many_and_few() -> None:
    assert lines(figures())["time for each position, many / few"] == ("0.89", True)
    slow = figures()
    slow.ticks[1] = replace(slow.ticks[1], total_ms=[600.0] * 10)
    assert lines(slow)["time for each position, many / few"] == ("1.33", False)


@pytest.mark.parametrize(("counted", "reached"), [(100, True), (10_000, False), (110, False)])
def test_a_request_for_each_symbol_is_seen(counted: int, reached: bool) -> None:  # noqa: FBT001  a row of a table
    made = figures()
    made.ticks = [replace(ticks, requests_counted=counted * ticks.positions // 1000) for ticks in made.ticks]
    rows = [row for row in seller_rows(made) if "requests" in row.what]
    assert [row.reached for row in rows] == [reached, reached]


@pytest.mark.parametrize(
    ("ms", "figure", "reached"), [(11.5, "1.15 (1.15 - 1.15)", True), (12, "1.20 (1.20 - 1.20)", False)]
)
def test_the_api_with_the_seller_is_set_against_the_load_just_before(ms: float, figure: str, *, reached: bool) -> None:
    assert lines(figures(on=ms))["on / off"] == (figure, reached)


def test_a_tick_beyond_its_goal_is_not_reached() -> None:
    slow = figures()
    slow.ticks[0] = replace(slow.ticks[0], total_ms=[100.0] * 9 + [151.0])
    assert lines(figures())["tick over 1,000 positions, 10 accounts"] == ("90.0 / 90.0 / 90.0 ms", True)
    assert lines(slow)["tick over 1,000 positions, 10 accounts"][1] is False
