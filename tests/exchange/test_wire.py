"""Every documented field is there, with money as strings: what clients that read raw JSON rely on."""

from typing import Any, cast

import pytest
from alpaca.trading.client import TradingClient

from tests.exchange.helpers import filled, market_order, submit
from tests.support.exchange import ExchangeProcess

ORDER = """id client_order_id created_at updated_at submitted_at filled_at expired_at expires_at canceled_at failed_at
replaced_at replaced_by replaces asset_id symbol asset_class notional qty filled_qty filled_avg_price order_class
order_type type side position_intent time_in_force limit_price stop_price status extended_hours legs trail_percent
trail_price hwm ratio_qty subtag source"""
ACCOUNT = """id account_number status crypto_status currency buying_power regt_buying_power non_marginable_buying_power
options_buying_power options_approved_level options_trading_level cash accrued_fees pending_transfer_in
pending_transfer_out pending_reg_taf_fees portfolio_value equity last_equity long_market_value short_market_value
initial_margin maintenance_margin last_maintenance_margin sma multiplier shorting_enabled trading_blocked
transfers_blocked account_blocked trade_suspended_by_user created_at balance_asof intraday_adjustments"""
POSITION = """asset_id symbol exchange asset_class asset_marginable avg_entry_price qty qty_available side market_value
cost_basis unrealized_pl unrealized_plpc unrealized_intraday_pl unrealized_intraday_plpc current_price lastday_price
change_today"""
FILL = """id activity_type transaction_time type price qty side symbol leaves_qty order_id cum_qty order_status"""
CONFIGURATIONS = """disable_overnight_trading fractional_trading max_margin_multiplier max_options_trading_level
no_shorting ptp_no_exception_entry suspend_trade trade_confirm_email"""
HISTORY = "timestamp equity profit_loss profit_loss_pct base_value timeframe cashflow"
MOVEMENT = "id activity_type date created_at net_amount currency status"
EXERCISE = f"{MOVEMENT} symbol qty"
WATCHLIST = "id account_id name created_at updated_at"
NUMBERS = (
    "cash",
    "buying_power",
    "equity",
    "qty",
    "filled_qty",
    "filled_avg_price",
    "market_value",
    "price",
    "cum_qty",
)


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/orders?status=all", ORDER), ("/account", ACCOUNT), ("/positions", POSITION), ("/account/activities", FILL)],
)
def test_an_answer_has_exactly_the_documented_fields(client: TradingClient, path: str, fields: str) -> None:
    filled(client, submit(client, market_order("AAPL", 3)))
    answer: Any = client.get(path)
    shown = answer[0] if isinstance(answer, list) else answer
    assert set(shown) == set(fields.split())
    assert {name: type(shown[name]) for name in NUMBERS if name in shown and shown[name] is not None} == {
        name: str for name in NUMBERS if name in shown
    }


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/account/configurations", CONFIGURATIONS),
        ("/account/portfolio/history?cashflow_types=ALL", HISTORY),
        ("/account/activities/CSD", MOVEMENT),
        ("/account/activities/OPEXC", EXERCISE),
        ("/watchlists", WATCHLIST),
        ("/watchlists:by_name?name=mine", f"{WATCHLIST} assets"),
    ],
)
def test_what_an_account_keeps_has_exactly_the_documented_fields(
    exchange: ExchangeProcess, account: dict[str, Any], client: TradingClient, path: str, fields: str
) -> None:
    filled(client, submit(client, market_order("AAPL271217C00200000")))
    client.exercise_options_position("AAPL271217C00200000")
    exchange.change_account(account["name"], cash="200000")
    client.post("/watchlists", {"name": "mine", "symbols": ["KO"]})
    answer: Any = client.get(path)
    assert set(answer[0] if isinstance(answer, list) else answer) == set(fields.split())


def test_legs_have_the_fields_of_orders_but_two_and_what_examples_alone_show(client: TradingClient) -> None:
    exits = {"take_profit": {"limit_price": "100"}, "stop_loss": {"stop_price": "90"}, "order_class": "bracket"}
    terms = {"symbol": "DIS", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    order: Any = client.post("/orders", terms | exits)
    assert set(order) == set(ORDER.split())
    assert [set(leg) for leg in order["legs"]] == [
        set(ORDER.split()) - {"expires_at", "ratio_qty", "source", "subtag"}
    ] * 2


def test_stamps_have_nanoseconds_in_utc(client: TradingClient) -> None:
    filled(client, submit(client, market_order()))
    (raw,) = cast("list[dict[str, Any]]", client.get("/orders", {"status": "all"}))
    for name in ("created_at", "submitted_at", "updated_at", "filled_at"):
        assert len(raw[name]) == len("2026-11-20T14:30:00.123456789Z")
        assert raw[name].endswith("Z")
    assert raw["submitted_at"] < raw["filled_at"] == raw["updated_at"]
