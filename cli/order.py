"""`opitios order buy|sell|replace|cancel|list|show`: place an order and watch it, as any client of the API would."""

import time
import uuid
from collections.abc import Callable
from typing import Annotated, Any

import requests
import typer
from rich.table import Table

from cli.api_client import ApiClient, ApiError
from cli.output import OUT, command_name, fail, print_whole
from config.settings import load_settings

app = typer.Typer(help="Place an order and look at it.", no_args_is_help=True)

_ENDED = {"filled", "canceled", "expired", "replaced", "rejected", "quarantined"}
_PAUSE_S = 0.2

OrderId = Annotated[uuid.UUID, typer.Argument(help="the order's id")]
Symbol = Annotated[str, typer.Argument(help="AAPL, or an OCC option symbol")]
Qty = Annotated[str | None, typer.Argument(help="shares or contracts (or --notional)")]
Account = Annotated[str, typer.Option(help="the account's name")]
Limit = Annotated[str | None, typer.Option(help="limit price in USD")]
Stop = Annotated[str | None, typer.Option(help="stop price in USD; with --limit a stop-limit order")]
Trail = Annotated[str | None, typer.Option(help="trailing stop, so many USD from the market")]
TrailPercent = Annotated[str | None, typer.Option(help="trailing stop, so many percent from the market")]
Notional = Annotated[str | None, typer.Option(help="an amount in USD instead of a quantity")]
Tif = Annotated[str | None, typer.Option("--time-in-force", help="day (default), gtc, ioc or fok")]
Extended = Annotated[bool, typer.Option("--extended-hours", help="also before and after the session (limit, day)")]
Intent = Annotated[str | None, typer.Option("--position-intent", help="options: buy_to_open, sell_to_close ...")]
Key = Annotated[str | None, typer.Option(help="your own key: the same key again is the same order")]
Wait = Annotated[bool, typer.Option("--wait", help="stay until the order has ended or --timeout is over")]
Timeout = Annotated[int, typer.Option(help="seconds to wait")]


def _placing(side: str) -> Callable[..., None]:
    def place(
        symbol: Symbol,
        qty: Qty = None,
        *,
        account: Account,
        limit: Limit = None,
        stop: Stop = None,
        trail: Trail = None,
        trail_percent: TrailPercent = None,
        notional: Notional = None,
        tif: Tif = None,
        extended_hours: Extended = False,
        position_intent: Intent = None,
        key: Key = None,
        wait: Wait = False,
        timeout: Timeout = 30,
    ) -> None:
        prices = {"limit_price": limit, "stop_price": stop, "trail_price": trail, "trail_percent": trail_percent}
        body = {"account": account, "symbol": symbol, "side": side, "type": _type_of(prices), **prices}
        body |= {"qty": qty, "notional": notional, "time_in_force": tif, "position_intent": position_intent}
        given: dict[str, Any] = {name: value for name, value in body.items() if value is not None}
        if extended_hours:
            given["extended_hours"] = True
        _send("POST", "/api/v1/orders", given, key=key, wait_s=timeout if wait else 0)

    return place


app.command("buy", help="Buy QTY of SYMBOL: at market, or as the options say.")(_placing("buy"))
app.command("sell", help="Sell QTY of SYMBOL: at market, or as the options say.")(_placing("sell"))


@app.command()
def replace(
    order_id: OrderId,
    qty: Annotated[str | None, typer.Option(help="what is still to trade")] = None,
    *,
    limit: Limit = None,
    stop: Stop = None,
    trail: Trail = None,
    trail_percent: TrailPercent = None,
    tif: Tif = None,
    key: Key = None,
    wait: Wait = False,
    timeout: Timeout = 30,
) -> None:
    """Replace a working order by one with other terms; what is not given stays as it is."""
    body = {"qty": qty, "limit_price": limit, "stop_price": stop, "trail_price": trail, "trail_percent": trail_percent}
    given = {name: value for name, value in (body | {"time_in_force": tif}).items() if value is not None}
    _send("PATCH", f"/api/v1/orders/{order_id}", given, key=key, wait_s=timeout if wait else 0)


@app.command()
def cancel(
    order_id: Annotated[uuid.UUID | None, typer.Argument(help="the order's id, or --all")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="every open order (of --account)")] = False,
    account: Annotated[str | None, typer.Option(help="with --all: this account's orders")] = None,
) -> None:
    """Ask for the end of an order, or of all; it has ended when its status says so."""
    if (order_id is None) is not every:
        raise typer.BadParameter("give an order's id or --all, not both")
    client = ApiClient(load_settings())
    if order_id is not None:
        asked = client.delete(f"/api/v1/orders/{order_id}")
        OUT.print(f"202 asked: order {asked['order_id']} ({asked['status']})")
        return
    found = client.delete("/api/v1/orders", {} if account is None else {"account": account})["orders"]
    for asked in found:
        OUT.print(f"202 asked: order {asked['order_id']} ({asked['status']})")
    OUT.print(f"{len(found)} orders are to end")


@app.command("list")
def list_orders(
    account: Annotated[str | None, typer.Option(help="one account's orders alone")] = None,
    symbol: Annotated[str | None, typer.Option(help="one symbol's alone")] = None,
    still_open: Annotated[bool, typer.Option("--open", help="those that have not ended")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="orders at most, newest first")] = 50,
) -> None:
    """List orders, newest first."""
    given = {"account": account, "symbol": symbol, "status": "open" if still_open else None, "limit": str(limit)}
    query = {name: value for name, value in given.items() if value is not None}
    page = ApiClient(load_settings()).get("/api/v1/orders", query)
    table = Table("requested (UTC)", "account", "kind", "side", "size", "symbol", "type", "status", "filled", "order")
    for order in page["orders"]:
        kind, asked = order["account_type"], order["requested_at"][:19].replace("T", " ")
        order_type = f"{order['type']} {order['time_in_force']}"
        what = (order["side"], _size(order), order["symbol"], order_type, order["status"], order["filled_qty"])
        table.add_row(asked, order["account"], kind, *what, order["order_id"])
    print_whole(table)
    if page["next_cursor"] is not None:
        OUT.print(f"There are more than these {limit}: narrow the search, or raise --limit (200 at most).")


@app.command()
def show(order_id: OrderId) -> None:
    """Show an order with its timeline."""
    _show(ApiClient(load_settings()).get(f"/api/v1/orders/{order_id}"))


def _type_of(prices: dict[str, str | None]) -> str:
    if prices["trail_price"] is not None or prices["trail_percent"] is not None:
        return "trailing_stop"
    if prices["stop_price"] is not None:
        return "stop" if prices["limit_price"] is None else "stop_limit"
    return "market" if prices["limit_price"] is None else "limit"


def _send(method: str, path: str, body: dict[str, Any], *, key: str | None, wait_s: int) -> None:
    client = ApiClient(load_settings())
    key = key or f"cli-{uuid.uuid4()}"  # noqa: TID251  a key of this call alone
    try:
        answer = client.send(method, path, body, key=key)
    except ApiError as error:
        if error.status != requests.codes.not_found or "account" not in body:
            raise
        names = ", ".join(known["name"] for known in client.get("/api/v1/accounts"))
        raise ApiError(f"{error}\nThe accounts are: {names or 'none; add one to secrets.yml'}") from None
    accepted = answer.json()
    OUT.print(f"{answer.status_code} accepted: order {accepted['order_id']} ({accepted['status']})")
    if wait_s:
        order = _follow(client, accepted["href"], wait_s)
        _show(order)
        if order["status"] not in _ENDED:
            fail(f"Not ended after {wait_s} s. Look again with: {command_name()} order show {order['order_id']}")
        if order["status"] != "filled":
            raise typer.Exit(1)


def _follow(client: ApiClient, href: str, wait_s: int) -> dict[str, Any]:
    deadline = time.monotonic() + wait_s  # noqa: TID251  a person waits, in real time
    seen = ""
    with OUT.status("waiting for the broker") as status:
        while True:
            order: dict[str, Any] = client.get(href)
            if order["status"] != seen:
                seen = order["status"]
                status.update(f"{seen} {order['filled_qty']} of {_size(order)} filled")
            if seen in _ENDED or time.monotonic() > deadline:  # noqa: TID251  likewise
                return order
            time.sleep(_PAUSE_S)


def _size(order: dict[str, Any]) -> str:
    return str(order["qty"] or f"${order['notional']}")


def _show(order: dict[str, Any]) -> None:
    price = f" at {order['filled_avg_price']}" if order["filled_avg_price"] else ""
    OUT.print(
        f"{order['side']} {_size(order)} {order['symbol']} on {order['account']} ({order['account_type']}): "
        f"{order['status']}, {order['filled_qty']} filled{price}"
    )
    if order["reason"]:
        OUT.print(f"{order['reason_code']}: {order['reason']}", markup=False)
    table = Table("time (UTC)", "event", "stage", "total ms", "network ms", "reason")
    for event in order["timeline"]:
        table.add_row(
            event["occurred_at"][11:23],
            event["event"],
            event["stage"],
            event["total_ms"] or "",
            event["network_ms"] or "",
            event["reason_code"] or "",
        )
    print_whole(table)
