"""What the command line does in the database itself. Loading this takes half a second, so commands import it late."""

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy.exc

from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.settings import ConfigError, Settings
from config.sources import read_content
from models.migrate import allow_logins, upgrade
from models.session import Database
from models.unit import StoreError, Unit
from services.accounts import upsert_accounts
from services.configuration import record_configuration
from services.gauges import has_told
from services.operations import Operation, record_operation
from services.origin import Origin, Stamp
from services.process_record import process_operation
from services.users import create_first_admin, reset_password

Answer = TypeVar("Answer")


def prepare_database(settings: Settings) -> str | None:
    """Migrate, upsert the configured accounts, create the first admin; return the admin's password if it is new.

    Raises ConfigError without a database and with the server's words when it refuses.
    """
    migrations_url = settings.migrations_database_url.get_secret_value()
    if not migrations_url:
        raise ConfigError("No database is known here: make run, or set DATABASE_URL")
    app_url = settings.app_database_url.get_secret_value()
    if not app_url:
        raise ConfigError(
            "OPITIOS_APP_DATABASE_URL is not set: expected postgresql://opitios_app:PASSWORD@host:port/database, the "
            "login of the processes; its password is set here"
        )
    with _sentences():
        upgrade(migrations_url)
        others = (settings.compliance_database_url, settings.sealer_database_url)
        allow_logins(migrations_url, app_url, *(url.get_secret_value() for url in others))
    password = secrets.token_urlsafe(18)
    with _unit(settings) as unit:
        _check_connections(unit, settings)
        upsert_accounts(unit, settings.accounts, SYSTEM_IDS)
        _record_configuration(unit, settings)
        created = create_first_admin(unit, password, now=SYSTEM_CLOCK.now(), ids=SYSTEM_IDS, origin=_machine_origin())
    return password if created else None


def replace_password(settings: Settings, username: str) -> str | None:
    """Give a user a new password and return it, None for an unknown user. Raises ConfigError as above."""
    password = secrets.token_urlsafe(18)
    with _unit(settings) as unit:
        now = SYSTEM_CLOCK.now()
        found = reset_password(unit, username, password, now=now, ids=SYSTEM_IDS, origin=_machine_origin())
    return password if found else None


def ask(settings: Settings, question: Callable[[Unit], Answer]) -> Answer:
    """Return what a question finds in the database. Raises ConfigError as above."""
    with _unit(settings) as unit:
        return question(unit)


def record_here(settings: Settings, operation: Operation) -> None:
    """Put an operation of this terminal on the record. Raises ConfigError as above."""
    with _unit(settings) as unit:
        record_operation(unit, operation, _machine_origin(), SYSTEM_IDS)


def _record_configuration(unit: Unit, settings: Settings) -> None:
    """Put what was changed while nothing ran on the record."""
    content = read_content(settings.home, os.environ)
    now, origin = SYSTEM_CLOCK.now(), _machine_origin()
    record_configuration(
        unit, settings, actor=content.actor, is_current=lambda: True, now=now, ids=SYSTEM_IDS, origin=origin
    )


def record_stack(settings: Settings, what: str) -> None:
    """Put a start or stop of the whole stack on record. Raises ConfigError as above."""
    stamp = Stamp(SYSTEM_CLOCK.now(), SYSTEM_IDS, _machine_origin())
    record_here(settings, process_operation(what, settings, stamp))


def has_spoken(settings: Settings, host: str) -> bool:
    """Tell whether the process of these settings has told the database of itself. Raises ConfigError as above."""
    with _unit(settings) as unit:
        return has_told(unit, host, settings.process)


def _check_connections(unit: Unit, settings: Settings) -> None:
    (server,) = unit.rows(
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int "
        "- coalesce(current_setting('reserved_connections', true)::int, 0) AS usable"
    )
    if settings.connections > server.usable:
        raise ConfigError(
            f"max_connections of Postgres lets {server.usable} applications' connections in; expected at least "
            f"{settings.connections}, which API, workers, relay, sealer, beat and streams may hold together. Raise it, "
            "or lower worker.threads or database.pool_max in secrets.yml"
        )


@contextmanager
def _unit(settings: Settings) -> Iterator[Unit]:
    url = settings.app_database_url.get_secret_value()
    if not url:
        raise ConfigError("No database is known here: make run, or set OPITIOS_APP_DATABASE_URL")
    database = Database(url, application_name="opitios-cli", pool_size=1)
    try:
        with _sentences(), database.unit() as unit:
            yield unit
    finally:
        database.dispose()


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (StoreError, sqlalchemy.exc.DBAPIError) as error:  # ours, or that of the migrations
        # psycopg's first line is the server's answer or why there is none; it never holds a password
        said = str(getattr(error, "orig", error)).strip().partition("\n")[0].rstrip(".")
        raise ConfigError(f"The database says: {said}. Start it with: make run") from None


def machine_actor() -> str:
    """Return who acts at this terminal: the account of the machine."""
    return f"os:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.geteuid()}"


def _machine_origin() -> Origin:
    return Origin(
        actor=machine_actor(),
        host=socket.gethostname(),
        process=f"cli:{os.getpid()}",
    )
