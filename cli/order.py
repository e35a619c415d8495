"""`opitios order buy|sell|show`: place an order and watch it, as any client of the API would."""

import time
import uuid
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

Symbol = Annotated[str, typer.Argument(help="AAPL, or an OCC option symbol")]
Qty = Annotated[str, typer.Argument(help="shares or contracts")]
Account = Annotated[str, typer.Option(help="the account's name")]
Limit = Annotated[str | None, typer.Option(help="limit price in USD; a market order without it")]
Tif = Annotated[str, typer.Option("--time-in-force", help="day or gtc")]
Key = Annotated[str | None, typer.Option(help="your own key: the same key again is the same order")]
Wait = Annotated[bool, typer.Option("--wait", help="stay until the order has ended or --timeout is over")]
Timeout = Annotated[int, typer.Option(help="seconds to wait")]


@app.command()
def buy(
    symbol: Symbol,
    qty: Qty,
    account: Account,
    limit: Limit = None,
    tif: Tif = "day",
    key: Key = None,
    wait: Wait = False,
    timeout: Timeout = 30,
) -> None:
    """Buy QTY of SYMBOL."""
    _place("buy", symbol, qty, account=account, limit=limit, tif=tif, key=key, wait_s=timeout if wait else 0)


@app.command()
def sell(
    symbol: Symbol,
    qty: Qty,
    account: Account,
    limit: Limit = None,
    tif: Tif = "day",
    key: Key = None,
    wait: Wait = False,
    timeout: Timeout = 30,
) -> None:
    """Sell QTY of SYMBOL."""
    _place("sell", symbol, qty, account=account, limit=limit, tif=tif, key=key, wait_s=timeout if wait else 0)


@app.command()
def show(order_id: Annotated[uuid.UUID, typer.Argument(help="the order's id")]) -> None:
    """Show an order with its timeline."""
    _show(ApiClient(load_settings()).get(f"/api/v1/orders/{order_id}"))


def _place(
    side: str, symbol: str, qty: str, *, account: str, limit: str | None, tif: str, key: str | None, wait_s: int
) -> None:
    body: dict[str, Any] = {"account": account, "symbol": symbol, "side": side, "qty": qty, "time_in_force": tif}
    if limit is not None:
        body |= {"type": "limit", "limit_price": limit}
    client = ApiClient(load_settings())
    key = key or f"cli-{uuid.uuid4()}"  # noqa: TID251  a key of this call alone
    try:
        answer = client.post("/api/v1/orders", body, key=key)
    except ApiError as error:
        if error.status != requests.codes.not_found:
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
                status.update(f"{seen} {order['filled_qty']} of {order['qty']} filled")
            if seen in _ENDED or time.monotonic() > deadline:  # noqa: TID251  likewise
                return order
            time.sleep(_PAUSE_S)


def _show(order: dict[str, Any]) -> None:
    price = f" at {order['filled_avg_price']}" if order["filled_avg_price"] else ""
    OUT.print(
        f"{order['side']} {order['qty']} {order['symbol']} on {order['account']} ({order['account_type']}): "
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
