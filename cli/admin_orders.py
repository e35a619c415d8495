"""`opitios admin orders`: the orders that wait for a person, and what is decided of them."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.admin_client import As, admin_client
from cli.api_client import in_path
from cli.output import OUT, add_plain, print_whole

app = typer.Typer(help="Orders in quarantine: what differs, and what becomes of them.", no_args_is_help=True)

OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", help="the order's id")]
Word = Annotated[str, typer.Argument(metavar="DECISION", help="look_again, adopt, not_ours or ended")]
Why = Annotated[str, typer.Option("--note", help="why: kept in the order's timeline")]
Who = Annotated[str, typer.Option("--as", help="the operator or admin who signs in")]


@app.command()
def quarantined(admin: As = "admin") -> None:
    """List the orders in quarantine: ours, and what the broker has instead."""
    client = admin_client(admin)
    query = {"status": "quarantined", "limit": "200"}
    page: dict[str, Any] = client.get("/api/v1/orders", query)
    if not page["orders"]:
        OUT.print("No order waits for a decision.")
        return
    table = Table("order", "since (UTC)", "account", "ours", "difference")
    for order in page["orders"]:
        ours = f"{order['side']} {order['qty'] or '$' + str(order['notional'])} {order['symbol']}"
        since = order["updated_at"][:19].replace("T", " ")
        add_plain(table, order["order_id"], since, order["account"], ours, order["reason"] or "")
    print_whole(table)


@app.command()
def resolve(order_id: OrderId, decision: Word, note: Why, admin: Who = "admin") -> None:
    """Decide what becomes of a quarantined order.

    look_again asks the broker at once; adopt makes the broker's order ours, with its terms; not_ours and ended end it.
    """
    body = {"decision": decision, "note": note}
    answer = admin_client(admin).change("POST", f"/api/v1/admin/orders/{in_path(order_id)}/resolve", body)
    OUT.print(f"Order {order_id}: {answer['decision']}, now {answer['status']}", markup=False)
