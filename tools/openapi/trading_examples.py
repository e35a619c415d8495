"""Example requests for the trading paths; `{names}` are the scene's (tools/openapi/scene.py).

To cover a path, add its line: the specification's spelling, then requests in every state that its answer shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.openapi.comparison import Example

_CLIENTS = "issue threads and measurements quoted in the exchange's tests"
"""Alpaca answers these; the specification lists the statuses of few operations."""
_BUY: dict[str, Any] = {"symbol": "IWM", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1"}
_KINDS = ("filled", "partial", "canceled", "expired", "rejected", "stop", "trailing", "notional", "option", "short")
_EXITS = {"take_profit": {"limit_price": "220"}, "stop_loss": {"stop_price": "190"}}
_SELL = {**_BUY, "symbol": "QQQ", "side": "sell"}
_OPTION = {**_BUY, "symbol": "{call}", "type": "limit", "limit_price": "1"}

TRADING: Mapping[str, Sequence[Example]] = {
    "GET /v2/account": (Example("/v2/account"),),
    "GET /v2/account/configurations": (Example("/v2/account/configurations"),),
    "PATCH /v2/account/configurations": (
        Example("/v2/account/configurations", body={"trade_confirm_email": "none", "max_margin_multiplier": "2"}),
        Example("/v2/account/configurations", 422, {"trade_confirm_email": "some"}, source=_CLIENTS),
    ),
    "GET /v2/account/portfolio/history": (
        Example("/v2/account/portfolio/history"),
        Example("/v2/account/portfolio/history?period=1D&intraday_reporting=continuous&cashflow_types=ALL"),
        Example("/v2/account/portfolio/history?period=2M&timeframe=1H", 422, source=_CLIENTS),
    ),
    "POST /v2/positions/{symbol_or_contract_id}/do-not-exercise": (
        Example("/v2/positions/{call}/do-not-exercise"),
        Example("/v2/positions/{put}/do-not-exercise", 403),
        Example("/v2/positions/NOPE/do-not-exercise", 422),
    ),
    "POST /v2/watchlists": (
        Example("/v2/watchlists", body={"name": "empty"}),
        Example("/v2/watchlists", body={"name": "full", "symbols": ["AAPL", "SNDL"]}),
        Example("/v2/watchlists", 422, {"name": "full"}, source=_CLIENTS),
    ),
    "GET /v2/watchlists": (Example("/v2/watchlists"),),
    "GET /v2/watchlists/{watchlist_id}": (
        Example("/v2/watchlists/{watchlist}"),
        Example("/v2/watchlists/{nobody}", 404, source=_CLIENTS),
    ),
    "PUT /v2/watchlists/{watchlist_id}": (Example("/v2/watchlists/{watchlist}", body={"symbols": ["KO"]}),),
    "POST /v2/watchlists/{watchlist_id}": (Example("/v2/watchlists/{watchlist}", body={"symbol": "DIS"}),),
    "DELETE /v2/watchlists/{watchlist_id}/{symbol}": (Example("/v2/watchlists/{watchlist}/KO"),),
    "DELETE /v2/watchlists/{watchlist_id}": (
        Example("/v2/watchlists/{watchlist}", 204),
        Example("/v2/watchlists/{watchlist}", 404),
    ),
    "GET /v2/watchlists:by_name": (Example("/v2/watchlists:by_name?name=full"),),
    "PUT /v2/watchlists:by_name": (Example("/v2/watchlists:by_name?name=full", body={"symbols": ["KO"]}),),
    "POST /v2/watchlists:by_name": (Example("/v2/watchlists:by_name?name=full", body={"symbol": "DIS"}),),
    "DELETE /v2/watchlists:by_name": (Example("/v2/watchlists:by_name?name=full", 204),),
    "POST /v2/orders": (
        Example("/v2/orders", body=_BUY),
        Example("/v2/orders", body={**_BUY, "type": "limit", "limit_price": "100"}),
        Example("/v2/orders", body={**_SELL, "type": "stop", "stop_price": "90"}),
        Example("/v2/orders", body={**_SELL, "type": "stop_limit", "stop_price": "90", "limit_price": "89"}),
        Example("/v2/orders", body={**_SELL, "type": "trailing_stop", "trail_percent": "5", "time_in_force": "gtc"}),
        Example("/v2/orders", body={**_BUY, "qty": None, "notional": "50"}),
        Example("/v2/orders", body={**_OPTION, "position_intent": "buy_to_open"}),
        Example("/v2/orders", body={**_BUY, **_EXITS, "order_class": "bracket"}),
        Example("/v2/orders", body={**_BUY, **_EXITS, "order_class": "oto", "stop_loss": None}),
        Example("/v2/orders", 422, body={**_BUY, "order_class": "bracket"}),
        Example("/v2/orders", 403, body={**_BUY, "qty": "100000"}),
        Example("/v2/orders", 403, body={**_SELL, "symbol": "KO", "qty": "0.5"}),
        Example("/v2/orders", 422, body={**_BUY, "client_order_id": "filled"}),
        Example("/v2/orders", 422, body={**_BUY, "symbol": "NOPE"}),
    ),
    "GET /v2/orders": (
        Example("/v2/orders"),
        Example("/v2/orders?status=all&limit=500&nested=True"),
        Example("/v2/orders?status=closed&direction=asc&symbols=AAPL"),
        Example("/v2/orders?limit=501", 422, source=_CLIENTS),
    ),
    "GET /v2/orders:by_client_order_id": (
        Example("/v2/orders:by_client_order_id?client_order_id=filled"),
        Example("/v2/orders:by_client_order_id?client_order_id=nobody", 404, source=_CLIENTS),
    ),
    "GET /v2/orders/{order_id}": (
        *(Example(f"/v2/orders/{{{name}}}") for name in _KINDS),
        Example("/v2/orders/{nobody}", 404, source=_CLIENTS),
        Example("/v2/orders/broken", 422, source=_CLIENTS),
    ),
    "PATCH /v2/orders/{order_id}": (
        Example("/v2/orders/{resting}", body={"qty": "2", "limit_price": "101"}),
        Example("/v2/orders/{resting}", 422, {"qty": "3"}, source=_CLIENTS),
        Example("/v2/orders/{nobody}", 404, {"qty": "3"}, source=_CLIENTS),
    ),
    "DELETE /v2/orders/{order_id}": (
        Example("/v2/orders/{stop}", 204),
        Example("/v2/orders/{filled}", 422),
        Example("/v2/orders/{nobody}", 404, source=_CLIENTS),
    ),
    "GET /v2/positions": (Example("/v2/positions"),),
    "GET /v2/positions/{symbol_or_asset_id}": (
        Example("/v2/positions/DIS"),
        Example("/v2/positions/{call}"),
        Example("/v2/positions/XOM", 404, source=_CLIENTS),
    ),
    "POST /v2/positions/{symbol_or_contract_id}/exercise": (
        Example("/v2/positions/{call}/exercise"),
        Example("/v2/positions/{call}/exercise", 403),
        Example("/v2/positions/NOPE/exercise", 422),
    ),
    "GET /v2/account/activities": (
        Example("/v2/account/activities"),
        Example("/v2/account/activities?activity_types=FILL&page_size=1&direction=asc"),
        Example("/v2/account/activities?category=non_trade_activity"),
        Example("/v2/account/activities?page_token=nothing", 422, source=_CLIENTS),
    ),
    "GET /v2/account/activities/{activity_type}": (
        Example("/v2/account/activities/FILL"),
        Example("/v2/account/activities/CSD"),
        Example("/v2/account/activities/OPEXC"),
        Example("/v2/account/activities/OPTRD"),
        Example("/v2/account/activities/DIV", empty=True),
    ),
    "DELETE /v2/positions/{symbol_or_asset_id}": (
        Example("/v2/positions/DIS?qty=1"),
        Example("/v2/positions/XOM", 404, source=_CLIENTS),
    ),
    "DELETE /v2/orders": (Example("/v2/orders", 207),),
    "DELETE /v2/positions": (Example("/v2/positions?cancel_orders=true", 207),),
}
