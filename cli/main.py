"""`opitios`: start the stack, place orders, read reports. Errors are sentences, never tracebacks."""

import sys

import typer

from cli import admin, alerts, alive, audit, config, crucible, order, report, run, session
from cli.api_client import ApiError
from cli.output import fail
from config.logging import setup_console
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
app.command("alerts")(alerts.alerts)
app.command("alive")(alive.alive)
app.command("crucible")(crucible.crucible)
app.add_typer(order.app, name="order")
app.add_typer(report.app, name="report")
app.add_typer(admin.app, name="admin")
app.add_typer(config.app, name="config")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run one command; an expected error is one message on stderr and exit code 1."""
    setup_console()
    try:
        typer.main.get_command(app)()  # `app()` would put a hook of its own before the one that hides secrets
    except (StackError, ConfigError, ApiError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        return
    sys.exit(1)


if __name__ == "__main__":
    main()
