"""`opitios report NAME`: a table for people, CSV for everything else; read as `compliance_ro` alone."""

import datetime as dt
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.box import SIMPLE
from rich.table import Table
from typer.core import TyperGroup

from cli import pack
from cli.output import ERR, print_whole
from config.settings import ConfigError, load_settings
from reports.catalog import REPORTS, Report
from reports.query import Filters, Result, run_report
from reports.render import cell, write_csv

_TABLE_ROWS = 50
_NUMBERS = {"qty", "total_ms", "network_ms", "orders", "filled_qty", "filled_notional", "filled_avg_price"}


class ByName(TyperGroup):
    """The commands of `opitios report`, where the name of a report is one too."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands.update(dict.fromkeys(REPORTS, self.commands["show"]))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of this name; any other name is that of a report, or of none."""
        return super().resolve_command(ctx, args if args[0] == "pack" else ["show", *args])


app = typer.Typer(cls=ByName, no_args_is_help=True, help="Compliance reports as tables or CSV, and evidence packs.")
app.command("pack")(pack.pack)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"


@app.command("show", hidden=True)
def report(
    name: Annotated[str, typer.Argument(help=" or ".join(REPORTS))],
    account: Annotated[str | None, typer.Option(help="one account's rows alone")] = None,
    first: Annotated[dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")] = None,
    last: Annotated[dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, UTC")] = None,
    format_: Annotated[Format, typer.Option("--format", help="table or csv")] = Format.TABLE,
    limit: Annotated[int | None, typer.Option(min=1, help="rows at most; a table shows 50 without it")] = None,
    output: Annotated[Path | None, typer.Option(help="write the CSV to this file")] = None,
) -> None:
    """Print a compliance report."""
    if name not in REPORTS:
        message = f"no report {name!r}; there are: {', '.join(REPORTS)}"
        raise typer.BadParameter(message, param_hint="NAME")
    if format_ is Format.TABLE and limit is None:
        limit = _TABLE_ROWS
    filters = Filters(account, first.date() if first else None, last.date() if last else None, limit)
    url = load_settings().compliance_database_url.get_secret_value()
    if not url:
        raise ConfigError("No database is known here: make run, or set OPITIOS_COMPLIANCE_DATABASE_URL")
    try:
        with run_report(url, REPORTS[name], filters) as result:
            _write(REPORTS[name], result, format_, output, limit)
    except psycopg.OperationalError as error:
        raise ConfigError(f"The database does not answer ({type(error).__name__}). Start it with: make run") from None


def _write(report_: Report, result: Result, format_: Format, output: Path | None, limit: int | None) -> None:
    if format_ is Format.TABLE:
        count = _print_table(report_, result)
    elif output is None:
        count = write_csv(result, sys.stdout)
    else:
        with output.open("w", encoding="utf-8", newline="") as file:
            count = write_csv(result, file)
    cut = " (more may exist: raise --limit)" if limit is not None and count == limit else ""
    ERR.print(f"{count} {'row' if count == 1 else 'rows'}{cut}")


def _print_table(report_: Report, result: Result) -> int:
    table = Table(caption=report_.what, box=SIMPLE, padding=(0, 1, 0, 0))
    places = [result.columns.index(name) for name in report_.shown]
    for name in report_.shown:
        table.add_column(name.replace("_", "\n"), justify="right" if name in _NUMBERS else "left", no_wrap=True)
    count = 0
    for row in result.rows:
        table.add_row(*(cell(row[place]).replace(" ", "\n") for place in places))
        count += 1
    print_whole(table)
    return count
