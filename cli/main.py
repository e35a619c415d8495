"""`opitios`: start the stack, place orders, read reports. Errors are sentences, never tracebacks."""

import sys

import sqlalchemy.exc
import typer

from cli import admin, order, report, run, session
from cli.api_client import ApiError
from cli.output import fail
from config.settings import ConfigError
from stack.errors import StackError

app = typer.Typer(
    name="opitios",
    help="Orders for several broker accounts, with proof of what happened.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
run.register(app)
session.register(app)
app.command("report")(report.report)
app.add_typer(order.app, name="order")
app.add_typer(admin.app, name="admin")


def main() -> None:
    """Run one command; an expected error is one message on stderr and exit code 1."""
    try:
        app()
    except (StackError, ConfigError, ApiError) as error:
        fail(str(error))
    except sqlalchemy.exc.DBAPIError as error:
        fail(f"The database says: {_first_line(error.orig)}. Start it with: make run")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        return
    sys.exit(1)


def _first_line(error: BaseException | None) -> str:
    """Return the server's own words without the rest; psycopg never puts a password into them."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__


if __name__ == "__main__":
    main()
