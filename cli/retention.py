"""`opitios audit retire` and `verify-archive`: months whose years are over leave the database as files (retention)."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from cli.output import ERR, OUT


def retire(
    before: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m"], help="months before this one alone; none younger anyway")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say which months are due, and do nothing")] = False,
) -> None:
    """Write months kept longer than `retention.audit_years` to Parquet, check the files, and detach the months."""
    from cli.retiring import Retiring  # noqa: PLC0415  no other command shall wait for Parquet

    retiring = Retiring.here()
    due = [part for part in retiring.due() if before is None or part.month < before.date()]
    if not due:
        OUT.print(f"Nothing is due: every month ended less than {retiring.years} years ago.")
    for part in due:
        if dry_run:
            OUT.print(f"{part.part} is due")
        else:
            retired = retiring.retire(part.part)
            OUT.print(f"{retired.part}: {retired.rows} rows in {retired.file}, SHA-256 {retired.sha256}", markup=False)


def verify_archive(
    file: Annotated[Path, typer.Argument(help="what `audit retire` has written")],
) -> None:
    """Check an archived month against the seals: every row, every column, none missing and none too many."""
    from cli.retiring import Retiring  # noqa: PLC0415  likewise

    archive, wrong = Retiring.here().check(file)
    for what in wrong[:20]:
        ERR.print(what, style="red", markup=False)
    OUT.print(f"{archive.part}: {archive.rows} rows, SHA-256 {archive.sha256}", markup=False)
    if wrong:
        OUT.print(f"{len(wrong)} findings: this file does NOT hold what was sealed.")
        raise typer.Exit(1)
    OUT.print("Every row stands in its seal.")
