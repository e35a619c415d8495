"""What the stack chose and must remember: ports, URLs with generated passwords, the token secret.

`runtime.json` (mode 0600) is how every process finds the others, so no secret travels in a command line.
"""

import dataclasses
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

from stack.errors import StackError
from stack.files import write_private
from stack.ports import LOOPBACK, Ports

DATABASE = "opitios"
SUPERUSER = "opitios"
APP_LOGIN = "opitios_app"
COMPLIANCE_LOGIN = "compliance_ro"
SEALER_LOGIN = "opitios_sealer"
_DIALECT = "postgresql+psycopg"
_Parsed = TypeVar("_Parsed", bound="Ports | Passwords | Runtime")


def _password() -> str:
    # Letters and digits alone: it goes through URLs, SQL and configuration files.
    return secrets.token_hex(24)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Passwords:
    """One generated password per login, kept also while an external server is in use."""

    postgres: str = field(default_factory=_password)
    app: str = field(default_factory=_password)
    compliance: str = field(default_factory=_password)
    sealer: str = field(default_factory=_password)
    redis: str = field(default_factory=_password)
    flower: str = field(default_factory=_password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The content of runtime.json. Fields with a secret stay out of the representation."""

    ports: Ports
    embedded_postgres: bool
    embedded_redis: bool
    boot_id: str
    exchange_url: str
    exchange_control_url: str
    migrations_database_url: str = field(repr=False)
    app_database_url: str = field(repr=False)
    compliance_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    passwords: Passwords = field(repr=False)
    sealer_database_url: str = field(default="", repr=False)  # the file of a version without a sealer has none

    def save(self, path: Path) -> None:
        """Write the file in one step, mode 0600."""
        write_private(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return the saved runtime, None when there is none. Raises StackError for a file that is not one."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            known = {entry.name: content[entry.name] for entry in dataclasses.fields(cls) if entry.name in content}
            known["ports"] = _checked(Ports(**content["ports"]))
            known["passwords"] = _checked(Passwords(**content["passwords"]))
            return _checked(cls(**known))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StackError(
                f"{path} is damaged ({type(error).__name__}: it is not what the stack wrote).\n"
                "Put back a copy, or move it away: the next start chooses new ports and passwords, keeps all data, "
                "and everybody logs in again.",
            ) from error
        except OSError as error:
            raise StackError(f"{path} cannot be read: {error.strerror}.") from error


def next_runtime(environ: Mapping[str, str], previous: Runtime | None, ports: Ports) -> Runtime:
    """Return the runtime of a new start: a new boot_id, the passwords and the token secret of the last start.

    DATABASE_URL (the migrations' login) and REDIS_URL of the environment replace the embedded servers; the other
    logins are then DATABASE_URL with their own names and passwords. Raises StackError for a URL of another kind.
    """
    passwords = previous.passwords if previous else Passwords()
    database = external_database_url(environ)
    broker = external_redis_url(environ)
    migrations = database or f"{_DIALECT}://{SUPERUSER}:{passwords.postgres}@{LOOPBACK}:{ports.postgres}/{DATABASE}"
    return Runtime(
        ports=ports,
        embedded_postgres=database is None,
        embedded_redis=broker is None,
        boot_id=secrets.token_hex(16),
        exchange_url=f"http://{LOOPBACK}:{ports.exchange}",
        exchange_control_url=f"http://{LOOPBACK}:{ports.control}",
        migrations_database_url=migrations,
        app_database_url=_as_login(migrations, APP_LOGIN, passwords.app),
        compliance_database_url=_as_login(migrations, COMPLIANCE_LOGIN, passwords.compliance),
        sealer_database_url=_as_login(migrations, SEALER_LOGIN, passwords.sealer),
        redis_url=broker or f"redis://:{passwords.redis}@{LOOPBACK}:{ports.redis}/0",
        jwt_secret=previous.jwt_secret if previous else secrets.token_urlsafe(48),
        passwords=passwords,
    )


def external_database_url(environ: Mapping[str, str]) -> str | None:
    """Return DATABASE_URL with our driver named, None when it is not set."""
    url = environ.get("DATABASE_URL", "").strip()
    if not url:
        return None
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", _DIALECT}:
        raise StackError("DATABASE_URL is not a Postgres URL; expected postgresql://user:password@host:port/database.")
    return f"{_DIALECT}://{rest}"


def external_redis_url(environ: Mapping[str, str]) -> str | None:
    """Return REDIS_URL, None when it is not set."""
    url = environ.get("REDIS_URL", "").strip()
    if not url:
        return None
    if url.partition("://")[0] not in {"redis", "rediss"}:
        raise StackError("REDIS_URL is not a Redis URL; expected redis://:password@host:port/0.")
    return url


def _as_login(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}").geturl()


def _checked(parsed: _Parsed) -> _Parsed:
    """Raise TypeError unless every value has the type its field declares: JSON has no opinion of its own."""
    for entry in dataclasses.fields(parsed):
        if type(getattr(parsed, entry.name)) is not entry.type:
            raise TypeError(entry.name)
    return parsed
