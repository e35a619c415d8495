"""`opitios admin accounts`: confirm an account's new number, switch its entries off and on, see what it was."""

from typing import Annotated, Any

import typer
from rich.table import Table

from cli.admin_client import As, admin_client
from cli.api_client import ApiClient, ApiError, in_path
from cli.output import OUT, add_plain, print_whole

app = typer.Typer(help="Accounts: their numbers, and whether they take entries.", no_args_is_help=True)

_ACCOUNTS = "/api/v1/admin/accounts"

Named = Annotated[str, typer.Argument(metavar="NAME", help="the account's name")]
Number = Annotated[str | None, typer.Option("--number", help="the number you expect; without it, the one read last")]


@app.command("list")
def list_accounts(admin: As = "admin") -> None:
    """List every account with its number and what stops its entries."""
    table = Table("account", "broker", "type", "source", "number", "confirmed", "entries")
    for account in admin_client(admin).get(_ACCOUNTS):
        kind = (account["account_type"], account["account_type_source"])
        numbers = (account["account_number"] or "", account["confirmed_number"] or "")
        add_plain(table, account["name"], account["broker"], *kind, *numbers, _entries(account))
    print_whole(table)


@app.command()
def confirm(name: Named, number: Number = None, admin: As = "admin") -> None:
    """Take the number that was read last for the account's own, so that entries go on."""
    client = admin_client(admin)
    account = _account(client, name)
    wanted = number or account["account_number"]
    if wanted is None:
        raise ApiError(f"No number of account {name} has been read yet: there is nothing to confirm")
    OUT.print(
        f"Account {name}: confirmed {account['confirmed_number']}, read last {account['account_number']}", markup=False
    )
    _say(client.change("POST", f"{_ACCOUNTS}/{in_path(name)}/confirm", {"account_number": wanted}))


@app.command()
def disable(name: Named, admin: As = "admin") -> None:
    """Switch the account's entries off, whatever secrets.yml says; exits and cancels go on."""
    _say(admin_client(admin).change("PATCH", f"{_ACCOUNTS}/{in_path(name)}", {"enabled": False}))


@app.command()
def enable(name: Named, admin: As = "admin") -> None:
    """Switch the account's entries on again; what secrets.yml switches off stays off."""
    _say(admin_client(admin).change("PATCH", f"{_ACCOUNTS}/{in_path(name)}", {"enabled": True}))


@app.command()
def history(name: Named, admin: As = "admin") -> None:
    """Show every change of the account's kind and number, newest first."""
    table = Table("when (UTC)", "type", "source", "number", "was type", "was source", "was number", "reason", "by")
    for change in admin_client(admin).get(f"{_ACCOUNTS}/{in_path(name)}/history"):
        kinds = [
            change[before + field] or ""
            for before in ("", "old_")
            for field in ("account_type", "account_type_source", "account_number")
        ]
        when = change["occurred_at"][:19].replace("T", " ")
        add_plain(table, when, *kinds, change["reason"] or "", change["actor"])
    print_whole(table)


def _account(client: ApiClient, name: str) -> dict[str, Any]:
    accounts: dict[str, dict[str, Any]] = {account["name"]: account for account in client.get(_ACCOUNTS)}
    if name not in accounts:
        raise ApiError(f"No account {name!r}; the accounts are: {', '.join(accounts) or 'none'}")
    return accounts[name]


def _entries(account: dict[str, Any]) -> str:
    """Return what stops the account's entries, or that they are taken."""
    stops = [account["entries_blocked"]] if account["entries_blocked"] else []
    if account["disabled_by"]:
        stops.append(f"switched off by {account['disabled_by']}")
    if not account["enabled"]:
        stops.append("switched off in secrets.yml")
    if account["type_read_at"] is None:
        stops.append("its number has not been read yet")
    return "; ".join(stops) or "taken"


def _say(account: dict[str, Any]) -> None:
    kind = f"{account['account_type']} ({account['account_type_source']})"
    number = account["account_number"] or "not read"
    OUT.print(f"Account {account['name']}: {kind}, number {number}; entries: {_entries(account)}", markup=False)
