"""`opitios audit`: whether the audit trail is what was sealed, and the key that says so (R29)."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.box import SIMPLE
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli import retention
from cli.output import ERR, OUT, add_plain, fail, print_whole
from config.seal_key import PUBLIC_SUFFIX, PublicKey, SealKey
from config.settings import ConfigError, Settings, load_settings
from reports.checkpoints import key_files
from reports.findings import Finding, Verification
from reports.verify import Evidence, Scope, verify

app = typer.Typer(help="The audit trail: verified, and the key of its seals.", no_args_is_help=True)
app.command("retire")(retention.retire)
app.command("verify-archive")(retention.verify_archive)

_SHOWN = 50


class Format(StrEnum):
    """How the result is written."""

    TABLE = "table"
    JSON = "json"


@app.command("verify")
def verify_trail(
    first: Annotated[dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first day, UTC")] = None,
    last: Annotated[dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="last day, UTC")] = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="a file or directory of checkpoints kept elsewhere; else this home's")
    ] = None,
    key: Annotated[
        list[Path] | None, typer.Option(help="a public key to trust; without it those beside the checkpoints")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="table or json")] = Format.TABLE,
) -> None:
    """Compare every row with its seal, and every seal with the chain, its signature and its checkpoint.

    Exit code 0: everything is what was sealed; 1: something is not, and it is named. Days are those of the seals.
    """
    settings = load_settings()
    if checkpoints is not None and not checkpoints.exists():
        raise typer.BadParameter(f"{checkpoints} is not there", param_hint="--checkpoints")
    place = checkpoints or settings.checkpoints_path
    # a copy of the lines alone is checked by the key of this home: another one than signed them would show
    trusted = key or (key_files(checkpoints) if checkpoints else ()) or key_files(settings.checkpoints_path)
    evidence = Evidence.at(place, trusted)
    scope = Scope(first=first.date() if first else None, last=last.date() if last else None)
    result = _verified(settings, evidence, scope)
    if format_ is Format.JSON:
        OUT.print(json.dumps(result.as_dict(), indent=2), markup=False)
    else:
        _show(result)
    raise typer.Exit(0 if result.holds else 1)


@app.command("key")
def show_key() -> None:
    """Print the public key of the seals and its fingerprint: write it down where nobody of this machine can reach."""
    settings = load_settings()
    for public in _public_keys(settings):
        OUT.print(f"fingerprint {public.key_id}", markup=False)
        OUT.print(f"public key  {public.raw.hex()}", markup=False)
        OUT.print(public.pem.decode().rstrip(), markup=False)


def _public_keys(settings: Settings) -> list[PublicKey]:
    """Return the signing key's public half; where that file is not this user's or not here, the published ones."""
    try:
        if settings.seal_key_path.exists():
            return [SealKey.open(settings.seal_key_path).public]
    except PermissionError:
        pass
    found = [PublicKey.read(path) for path in sorted(settings.checkpoints_path.glob(f"*{PUBLIC_SUFFIX}"))]
    if not found:
        raise ConfigError(f"No key is at {settings.seal_key_path}: the sealer makes it at its first start (make run)")
    return found


def _verified(settings: Settings, evidence: Evidence, scope: Scope) -> Verification:
    url = settings.app_database_url.get_secret_value()
    if not url:
        raise ConfigError("No database is known here: make run, or set OPITIOS_APP_DATABASE_URL")
    try:
        with _progress() as told:
            return verify(url, evidence, scope, told)
    except psycopg.OperationalError as error:
        raise ConfigError(f"The database does not answer ({type(error).__name__}). Start it with: make run") from None
    except psycopg.Error as error:  # the server's own words: a table that is gone, a policy that hides rows
        raise ConfigError(f"The trail cannot be read: {str(error).partition(chr(10))[0]}") from None


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as bar:
        task = bar.add_task("rows", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=max(done, of))


def _show(result: Verification) -> None:
    for finding in result.findings[:_SHOWN]:
        if not finding.is_broken:
            OUT.print(f"note: {finding.what}", markup=False)
    broken = [finding for finding in result.findings if finding.is_broken]
    if broken:
        table = Table("seal", "what", "part", "between", "and", box=SIMPLE, padding=(0, 1, 0, 0))
        for finding in broken[:_SHOWN]:
            add_plain(table, *_cells(finding))
        print_whole(table)
        if result.broken > _SHOWN:
            OUT.print(f"{_SHOWN} of {result.broken} findings; --format json has up to a thousand")
    span = "none" if result.first_seal is None else f"{result.first_seal} to {result.last_seal}"
    OUT.print(f"seals        {span}, until {result.sealed_until or '-'}", markup=False)
    OUT.print(f"rows         {result.rows} checked, {result.archived} archived, {result.unsealed} not sealed yet")
    OUT.print(f"checkpoints  {result.checkpoints} compared, the last of seal {result.last_checkpoint or '-'}")
    OUT.print(f"signed by    {', '.join(sorted(result.keys)) or '-'}", markup=False)
    if result.holds:
        OUT.print("The audit trail is what was sealed.", style="green")
    else:
        fail(f"The audit trail is NOT what was sealed: {result.broken} findings.")


def _cells(finding: Finding) -> tuple[str, ...]:
    times = (f"{at:%Y-%m-%d %H:%M:%S}" if at else "" for at in (finding.first_at, finding.last_at))
    return (str(finding.seal_no or ""), finding.what, finding.part or "", *times)
