"""`opitios report NAME`: a table for people, files for everything else; read as `compliance_ro` alone.

Every report is a command of its own, so that `--help` says what it has; other commands of the group stand beside them.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from cli import pack
from cli.output import ERR, OUT, add_plain, print_whole
from cli.report_export import export
from config.settings import ConfigError, Settings, load_settings
from domain.errors import DomainError, InvalidRequest
from domain.orders import FieldProblem
from reports.catalog import REPORTS, Report
from reports.columns import NUMBERS
from reports.filters import Filters, filter_columns, own_filters
from reports.query import Result, run_report
from reports.render import cell, instant

_TABLE_ROWS = 50


class _ByName(TyperGroup):
    """Names what there is when somebody asks for a report that there is not."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word means."""
        if args and self.get_command(ctx, args[0]) is None:
            message = f"no report {args[0]!r}; there are: {', '.join(REPORTS)}"
            raise typer.BadParameter(message, param_hint="NAME")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_ByName, help="Compliance reports: as tables, and as files that say what they are.", no_args_is_help=True
)


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    JSON = "json"


app.command("pack")(pack.pack)

Account = Annotated[str | None, typer.Option(help="one account's rows alone")]
First = Annotated[dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")]
Last = Annotated[dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, UTC")]
Own = Annotated[
    list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="another filter; may be repeated")
]
Form = Annotated[Format, typer.Option("--format", help="table for people, the others are files")]
Limit = Annotated[int | None, typer.Option(min=1, help="rows at most; a table shows 50 without it")]
Output = Annotated[Path | None, typer.Option(help="write to this file, and beside it what it is (.manifest.json)")]
Describe = Annotated[bool, typer.Option("--describe", help="print columns and filters instead of rows")]


@app.command("list")
def list_reports() -> None:
    """List the reports: what each is about, and its filters besides --account, --from and --to."""
    table = Table("report", "what", "filters")
    for report in REPORTS.values():
        add_plain(table, report.name, report.what, ", ".join(report.filters))
    print_whole(table)


def _command(report: Report) -> Callable[..., None]:
    def command(
        account: Account = None,
        first: First = None,
        last: Last = None,
        own: Own = None,
        form: Form = Format.TABLE,
        limit: Limit = None,
        output: Output = None,
        describe: Describe = False,
    ) -> None:
        with _sentences():
            days = (first.date() if first else None, last.date() if last else None)
            filters = Filters(account, *days, limit, own_filters(map(_pair, own or ())))
            _run(report, filters, form, output, describe=describe)

    return command


for _report in REPORTS.values():
    app.command(_report.name, help=f"{_report.what[0].upper()}{_report.what[1:]}.")(_command(_report))


def _run(report: Report, filters: Filters, form: Format, output: Path | None, *, describe: bool) -> None:
    settings = load_settings()
    if describe:
        with run_report(database_of(settings), report, Filters()) as result:
            _print_columns(result)
    elif form is not Format.TABLE:
        export(settings, database_of(settings), report, filters, form.value, output)
    elif output is not None:
        message = f"a table is for the screen; expected --format {', '.join(list(Format)[1:])}"
        raise typer.BadParameter(message, param_hint="--output")
    else:
        shown = (
            filters
            if filters.limit is not None
            else Filters(filters.account, filters.first_day, filters.last_day, _TABLE_ROWS, filters.own)
        )
        with run_report(database_of(settings), report, shown) as result:
            _print_rows(result)


def database_of(settings: Settings) -> str:
    """Return where reports are read. Raises ConfigError when nobody has said so."""
    url = settings.compliance_database_url.get_secret_value()
    if not url:
        raise ConfigError("No database is known here: make run, or set OPITIOS_COMPLIANCE_DATABASE_URL")
    return url


def _print_rows(result: Result) -> None:
    report = result.report
    table = Table(caption=report.what, box=SIMPLE, padding=(0, 1, 0, 0))
    columns = {column.name: (place, column) for place, column in enumerate(result.fields)}
    for name in report.shown:
        is_number = columns[name][1].kind in NUMBERS
        table.add_column(name.replace("_", "\n"), justify="right" if is_number else "left", no_wrap=True)
    count = 0
    for row in result.rows:
        table.add_row(*(Text(cell(row[columns[name][0]]).replace(" ", "\n")) for name in report.shown))
        count += 1
    in_all = result.count() if count == result.filters.limit else count
    print_whole(table)
    more = f" of {in_all} (raise --limit)" if in_all > count else ""
    ERR.print(f"{count} {'row' if count == 1 else 'rows'}{more} as of {instant(result.as_of)}", markup=False)


def _print_columns(result: Result) -> None:
    table = Table("column", "type", "what")
    for column in result.fields:
        add_plain(table, column.name, column.type, column.comment)
    print_whole(table)
    for name, column in filter_columns(result.report, result.fields).items():
        option = f"--{name} VALUE" if name in {"account", "from", "to"} else f"--filter {name}=VALUE"
        OUT.print(f"{option}: {column.name}, {column.filter_expected}", markup=False)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InvalidRequest("not as expected: --filter", [FieldProblem("--filter", text, "NAME=VALUE")])
    return name, value


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except InvalidRequest as error:
        raise typer.BadParameter("; ".join(map(_sentence, error.problems))) from None
    except DomainError as error:
        raise ConfigError(f"{error.title}: {error.detail}") from None
    except psycopg.OperationalError as error:
        raise ConfigError(f"The database does not answer ({type(error).__name__}). Start it with: make run") from None


def _sentence(problem: FieldProblem) -> str:
    return f"{problem.field} {problem.value!r}: expected {problem.expected}"
