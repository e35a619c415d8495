"""`opitios alerts`: what needs a person, newest first."""

from typing import Annotated

import typer
from rich.table import Table

from cli.api_client import ApiClient
from cli.output import OUT, add_plain, print_whole
from config.settings import load_settings


def alerts(
    every: Annotated[bool, typer.Option("--all", help="also those whose cause is gone")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="alerts at most, newest first")] = 50,
) -> None:
    """List the alerts whose cause is not gone, newest first."""
    query = {"state": "all" if every else "open", "limit": str(limit)}
    page = ApiClient(load_settings()).get("/api/v1/alerts", query)
    if not page["alerts"]:
        OUT.print("No alerts." if every else "No open alerts.")
        return
    table = Table("since (UTC)", "last", "times", "severity", "kind", "about", "state", "message")
    for alert in page["alerts"]:
        since, last = (alert[name][:19].replace("T", " ") for name in ("occurred_at", "last_at"))
        state = "open" if alert["resolved_at"] is None else f"ended {alert['resolved_at'][11:19]}"
        what = (alert["severity"], alert["kind"], alert["subject"], state, alert["message"])
        add_plain(table, since, last[11:], str(alert["times"]), *what)
    print_whole(table)
    if page["next_cursor"] is not None:
        OUT.print(f"There are more than these {limit}: raise --limit (200 at most).")
