"""`opitios admin correct`: what a row of the audit trail should have said, as a new row that names it."""

from typing import Annotated, Any

import typer

from cli.admin_client import As, admin_client
from cli.output import OUT

Order = Annotated[str | None, typer.Option("--order", help="the order whose event is wrong, with --seq")]
Seq = Annotated[int | None, typer.Option("--seq", help="the number of that event in the order's timeline")]
OperationId = Annotated[str | None, typer.Option("--operation", help="the operation that is wrong")]
ChangeId = Annotated[str | None, typer.Option("--change", help="the change of the configuration that is wrong")]
Why = Annotated[str, typer.Option("--reason", help="why: kept with the correction")]
Values = Annotated[list[str] | None, typer.Option("--value", metavar="NAME=VALUE", help="what it should have said")]


def correct(
    why: Why,
    order: Order = None,
    seq: Seq = None,
    operation: OperationId = None,
    change: ChangeId = None,
    values: Values = None,
    admin: As = "admin",
) -> None:
    """Correct a row of the audit trail: the row stays, and a new one names it."""
    named = {"order_id": order, "seq": seq, "operation_id": operation, "change_id": change}
    body: dict[str, Any] = {name: given for name, given in named.items() if given is not None}
    body |= {"reason": why, "values": dict(_pair(text) for text in values or [])}
    answer = admin_client(admin).change("POST", "/api/v1/audit/corrections", body)
    made = ", ".join(f"{name} {value}" for name, value in answer.items() if value is not None)
    OUT.print(f"Corrected: {made}", markup=False)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r}; expected NAME=VALUE", param_hint="--value")
    return name, value
