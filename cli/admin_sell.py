"""`opitios admin sell`: the seller's switch, how it is, and which positions it may sell."""

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.admin_client import As, admin_client
from cli.api_client import ApiClient, in_path
from cli.output import OUT, add_plain, print_whole

app = typer.Typer(help="The sell module: start, stop, health, and the positions it may sell.", no_args_is_help=True)

Who = Annotated[str, typer.Option("--as", help="the operator or admin who signs in")]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="the account's name")]
SymbolArgument = Annotated[str, typer.Argument(metavar="SYMBOL", help="the position's symbol")]


class OnOff(StrEnum):
    """A switch."""

    ON = "on"
    OFF = "off"


Wanted = Annotated[OnOff, typer.Argument(metavar="on|off", help="whether the seller may sell it")]


@app.command()
def status(admin: As = "admin") -> None:
    """Show how the seller is: its state, ticks, sells, failures, and what is due."""
    found = admin_client(admin).get("/api/v1/sell/health")
    table = Table("what", "how it is", show_header=False)
    for name, text in _lines(found):
        add_plain(table, name, text)
    print_whole(table)


@app.command()
def start(admin: Who = "admin") -> None:
    """Let the seller run."""
    _control(admin_client(admin), "start")


@app.command()
def stop(admin: Who = "admin") -> None:
    """Stop the seller: nothing is sold by it until it is started again; orders that work already stay."""
    _control(admin_client(admin), "stop")


@app.command()
def restart(admin: Who = "admin") -> None:
    """Let the seller's worker end what it is at and begin anew."""
    _control(admin_client(admin), "restart")


@app.command()
def positions(admin: As = "admin") -> None:
    """List the open positions, what they could be closed at, and whether the seller may sell them."""
    found = admin_client(admin).get("/api/v1/sell/positions")
    if not found:
        OUT.print("No open positions.")
        return
    table = Table("account", "symbol", "quantity", "entry", "price", "as of (UTC)", "unrealized", "auto-sell", "by")
    for one in found:
        numbers = (one[name] or "-" for name in ("qty", "entry_price", "mark_price"))
        allowed = "on" if one["auto_sell_enabled"] else "off"
        rest = (_moment(one["marked_at"]), one["unrealized_pnl"] or "-", allowed, one["auto_sell_by"])
        add_plain(table, one["account"], one["symbol"], *numbers, *rest)
    print_whole(table)


@app.command("auto-sell")
def auto_sell(account: Account, symbol: SymbolArgument, switch: Wanted, admin: Who = "admin") -> None:
    """Let the seller sell an open position, or forbid it."""
    path = f"/api/v1/sell/positions/{in_path(account)}/{in_path(symbol)}"
    answer = admin_client(admin).change("PUT", path, {"auto_sell_enabled": switch is OnOff.ON})
    allowed = "on" if answer["auto_sell_enabled"] else "off"
    OUT.print(f"Position {answer['symbol']} of {answer['account']}: auto-sell {allowed}", markup=False)


def _control(client: ApiClient, action: str) -> None:
    answer = client.change("POST", "/api/v1/sell/control", {"action": action})
    OUT.print(f"{answer['message'][0].upper()}{answer['message'][1:]}", markup=False)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    ticks, sells, restarts = found["tick_ms"], found["sells"], found["restarts"]
    last, stale = found["last_tick"], found["stale_positions"]
    trend = ", ".join(hour["p95_ms"] for hour in reversed(ticks["trend"]))
    lines = [
        ("state", f"{found['state']}, since {_moment(found['since'])} by {found['changed_by']}"),
        ("last tick", f"{_moment(found['tick_begun_at'])} by {found['tick_process'] or '-'}"),
        ("it looked at", _looked_at(last)),
        ("tick, last hour", f"p50 {ticks['p50_ms'] or '-'} ms, p95 {ticks['p95_ms'] or '-'} ms of {ticks['ticks']}"),
        ("p95 by hour, ms", trend or "-"),
        ("sells, last day", _sold(sells)),
        ("prices failed, last hour", _counted(found["price_failures"]["last_hour"])),
        ("cancels failed, last day", _counted(found["cancel_errors"])),
        ("positions without a price", str(stale["count"])),
        ("restarts, last day", f"{restarts['last_day']}, last {_moment(restarts['last_at'])}"),
    ]
    lines += [("to be cancelled", f"{_moment(order['due_at'])} {order['account']} {order['symbol']}")
              for order in found["next_cancels"]]  # fmt: skip
    return lines + [("wrong", message) for message in found["data"]["errors"]]


def _looked_at(tick: dict[str, Any] | None) -> str:
    if tick is None:
        return "-"
    words = f"{tick['positions']} positions of {tick['accounts']} accounts, {tick['requests']} requests"
    return f"{words}, {tick['exits']} exits" + (", degraded" if tick["degraded"] else "")


def _sold(sells: dict[str, Any]) -> str:
    counts = ", ".join(f"{sells[name]} {name}" for name in ("attempted", "succeeded", "failed", "open"))
    return counts if sells["success_rate"] is None else f"{counts}, success rate {sells['success_rate']}"


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in counts.items()) or "none"


def _moment(at: str | None) -> str:
    return "-" if at is None else at[:19].replace("T", " ")
