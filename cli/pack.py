"""`opitios report pack`: an account's day as one zip that can be checked on a machine with nothing but Python."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from cli.output import ERR, OUT


def pack(
    account: Annotated[str, typer.Option(help="whose day")],
    day: Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="which day, UTC")],
    output: Annotated[Path | None, typer.Option(help="the zip; without it evidence-ACCOUNT-DAY.zip here")] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="a file or a directory of them, not the usual one")] = None,
    key: Annotated[list[str] | None, typer.Option(help="public key of the seals (hex), not those known here")] = None,
) -> None:
    """Write an evidence pack: an account's day with its seals, and what checks it on any machine."""
    from cli.packing import Wish, export  # noqa: PLC0415  no other command shall wait for the ORM

    target = output or Path(f"evidence-{account.replace('/', '_')}-{day.date()}.zip")
    made = export(Wish(account, day.date(), target, checkpoints, key or ()))
    OUT.print(f"{target}: {made.rows} rows, {made.bytes} bytes", markup=False)
    OUT.print(f"SHA-256 {made.sha256}")
    OUT.print(f"Check it anywhere: unzip -p {target} verify.py > verify.py; python3 verify.py {target}", markup=False)
    for check, wrong in made.findings.items():
        for what in wrong[:10]:
            ERR.print(f"{check}: {what}", style="red", markup=False)
    if not made.holds:
        raise typer.Exit(1)
