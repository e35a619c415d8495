"""One frozen settings model, read at the edges (CFG-001).

Sources, the later wins: defaults, `runtime.json` of the stack, `secrets.yml` in the predecessor's structure, the
environment. `secrets.yml` is found by OPITIOS_CONFIG, in the working directory, in OPITIOS_HOME.
"""

import datetime as dt
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator

from config.celery import WORKER_QUEUES
from config.home import Home, find_home
from config.log_settings import LOG_VARIABLES, LoggingSettings
from domain.account_type import AccountType
from domain.balance import DEFAULT_MINIMUM, BalanceRule, OnBalanceError


class ConfigError(Exception):
    """The configuration cannot be used; the message names file, field, value and what was expected."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)


class TradingSettings(_Section):
    """Thresholds that hold for every account unless it has its own (ACC-002, CFG-001)."""

    minimum_balance: Decimal = Field(default=DEFAULT_MINIMUM, ge=0)
    balance_check_enabled: bool = True
    balance_rule: BalanceRule = BalanceRule.BEFORE
    on_balance_error: OnBalanceError = OnBalanceError.ALLOW
    balance_max_age: dt.timedelta = Field(default=dt.timedelta(seconds=300), ge=dt.timedelta(0))
    market_collar: Decimal = Field(default=Decimal("0.02"), ge=0, le=1)
    market_place_before: dt.timedelta = Field(default=dt.timedelta(seconds=60), gt=dt.timedelta(0))
    limit_place_before: dt.timedelta = Field(default=dt.timedelta(hours=8), gt=dt.timedelta(0))


class AccountSettings(_Section):
    """One broker account. Keys never leave the process that talks to the broker."""

    name: str
    broker: str = "alpaca"
    api_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    base_url: str = "https://paper-api.alpaca.markets"
    data_url: str = "https://data.alpaca.markets"
    paper_trading: bool | None = None
    account_type: AccountType | None = None
    enabled: bool = True
    minimum_balance: Decimal | None = Field(default=None, ge=0)
    balance_check_enabled: bool | None = None
    balance_rule: BalanceRule | None = None
    on_balance_error: OnBalanceError | None = None
    rate_limit_per_minute: int = Field(default=200, gt=0)


class DatabaseSettings(_Section):
    """Connections of one API process: at least and at most so many (US-SYSTEM-020)."""

    pool_min: int = Field(default=5, ge=1, le=100)
    pool_max: int = Field(default=10, ge=1, le=100, validate_default=True)

    @field_validator("pool_max")
    @classmethod
    def _not_below_the_minimum(cls, pool_max: int, info: ValidationInfo) -> int:
        pool_min = info.data.get("pool_min", 1)
        if pool_max < pool_min:
            message = f"expected at least pool_min ({pool_min})"
            raise ValueError(message)
        return pool_max


class WorkerSettings(_Section):
    """Celery workers: threads a process, and task events for a monitor (they cost 42 % of a worker)."""

    threads: int = Field(default=8, gt=0)
    events: bool = False


_JWT_KEY_BYTES = 32
WORKER_SPARE = 2  # a worker's hints and checks have connections besides its threads'
SINGLE = 2  # relay and beat work off one thing at a time
MAX_CONNECTIONS = 100


class Settings(_Section):
    """Everything a process needs to know at its start."""

    home: Home
    process: str = "cli"
    boot_id: str = ""
    api_host: str = "127.0.0.1"
    api_port: int = 8090
    app_database_url: SecretStr = SecretStr("")
    migrations_database_url: SecretStr = SecretStr("")
    compliance_database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    exchange_url: str | None = None
    jwt_secret: SecretStr = SecretStr("")
    jwt_hours: int = Field(default=168, gt=0, le=168)
    trading: TradingSettings = TradingSettings()
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = Field(default=WorkerSettings(), validate_default=True)
    logging: LoggingSettings = LoggingSettings()
    accounts: tuple[AccountSettings, ...] = ()

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value()) < _JWT_KEY_BYTES:
            message = f"expected at least {_JWT_KEY_BYTES} characters: HS256 signs with a key of that length"
            raise ValueError(message)
        return secret

    @field_validator("worker")
    @classmethod
    def _few_enough_connections(cls, worker: WorkerSettings, info: ValidationInfo) -> WorkerSettings:
        database = info.data.get("database", DatabaseSettings())
        total = connections(database, worker)
        if total > MAX_CONNECTIONS:
            message = (
                f"expected at most {MAX_CONNECTIONS} database connections over all processes; worker.threads "
                f"{worker.threads} and database.pool_max {database.pool_max} make {total}"
            )
            raise ValueError(message)
        return worker

    @property
    def connections(self) -> int:
        """How many connections the stack's processes may hold together."""
        return connections(self.database, self.worker)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{self.api_host}:{self.api_port}"

    def account(self, name: str) -> AccountSettings | None:
        """Return an account's section, or None."""
        return next((account for account in self.accounts if account.name == name), None)


def connections(database: DatabaseSettings, worker: WorkerSettings) -> int:
    """Return what one API, the workers, the relay and the beat may hold together."""
    return database.pool_max + len(WORKER_QUEUES) * (worker.threads + WORKER_SPARE) + 2 * SINGLE


# environment variable -> field; the four URLs are what containers and systemd units set
_ENVIRONMENT = {
    "OPITIOS_PROCESS": "process",
    "OPITIOS_API_HOST": "api_host",
    "OPITIOS_API_PORT": "api_port",
    "OPITIOS_APP_DATABASE_URL": "app_database_url",
    "OPITIOS_COMPLIANCE_DATABASE_URL": "compliance_database_url",
    "DATABASE_URL": "migrations_database_url",
    "REDIS_URL": "redis_url",
    "OPITIOS_JWT_SECRET": "jwt_secret",
    "OPITIOS_EXCHANGE_URL": "exchange_url",
}

_SECTIONS = ("trading", "database", "worker", "logging")
_EVENTS_VARIABLE = "OPITIOS_WORKER_EVENTS"
_JWT_FIELDS = {"secret_key": "jwt_secret", "expiration_hours": "jwt_hours"}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read every source once. Raises ConfigError; secret values are never part of its message."""
    env = os.environ if environ is None else environ
    home = find_home(env)
    values: dict[str, Any] = _runtime(home.runtime)
    path = secrets_path(home, env)
    if path is not None:
        values |= _secrets(path)
    values |= {field: _with_driver(env[name]) for name, field in _ENVIRONMENT.items() if env.get(name)}
    if env.get(_EVENTS_VARIABLE):
        values["worker"] = dict(values.get("worker", {})) | {"events": env[_EVENTS_VARIABLE]}
    given = {field: env[name] for name, field in LOG_VARIABLES.items() if env.get(name)}
    values["logging"] = dict(values.get("logging", {})) | given
    try:
        return Settings(home=home, **values)
    except ValidationError as error:
        raise ConfigError(_explain(error, _Sources(home, path, env, values))) from None


def secrets_path(home: Home, env: Mapping[str, str]) -> Path | None:
    """Return the `secrets.yml` in force: OPITIOS_CONFIG, the working directory's, the home's; None without one."""
    given = env.get("OPITIOS_CONFIG")
    if given:
        return Path(given)
    return next((path for path in (Path("secrets.yml"), home.secrets) if path.is_file()), None)


def _with_driver(value: str) -> str:
    """Return a Postgres URL with our driver named; other values as they are."""
    scheme, separator, rest = value.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgres", "postgresql"} else value


def _runtime(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; OPITIOS_HOME must name a directory of this user") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not readable as JSON ({error}); start the stack again to write it anew") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected an object at the top; start the stack again to write it anew")
    known = set(Settings.model_fields) - {"home"}
    values = {key: value for key, value in content.items() if key in known}
    ports = content.get("ports") or {}
    if "api" in ports:
        values.setdefault("api_port", ports["api"])
    return values


def _secrets(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: expected UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name another file with OPITIOS_CONFIG") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path}{where}: not valid YAML") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping at the top, found {type(content).__name__}")
    values: dict[str, Any] = {key: _mapping(path, key, content[key]) for key in _SECTIONS if key in content}
    accounts = _mapping(path, "accounts", content.get("accounts"))
    values["accounts"] = tuple(
        {"name": str(name)} | _mapping(path, f"accounts.{name}", entry) for name, entry in accounts.items()
    )
    jwt = _mapping(path, "jwt", content.get("jwt"))
    return values | {field: jwt[key] for key, field in _JWT_FIELDS.items() if key in jwt}


def _mapping(path: Path, field: str, found: Any) -> dict[str, Any]:
    """Return a section; an empty one is left out, anything else is an error that does not show what was found."""
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{path}: {field}: expected a mapping, found {type(found).__name__}")
    return dict(found or {})


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where values came from, to name the place where a wrong one is put right."""

    home: Home
    secrets: Path | None
    env: Mapping[str, str]
    values: Mapping[str, Any]

    def place(self, location: tuple[str | int, ...]) -> str:
        """Return the file and the field as it stands there, or the environment variable."""
        field = str(location[0])
        if field == "accounts" and len(location) > 1:
            name = self.values["accounts"][location[1]]["name"]
            return f"{self.secrets}: {'.'.join(['accounts', name, *map(str, location[2:])])}"
        dotted = ".".join(map(str, location))
        variables = _ENVIRONMENT | {_EVENTS_VARIABLE: "worker.events"}
        variables |= {name: f"logging.{of}" for name, of in LOG_VARIABLES.items()}
        variable = next((name for name, of in variables.items() if of == dotted and self.env.get(name)), None)
        if variable is not None:
            return f"environment: {variable}"
        own = next((f"jwt.{name}" for name, of in _JWT_FIELDS.items() if of == dotted), None)
        file = self.secrets if own or field in _SECTIONS else self.home.runtime
        return f"{file}: {own or dotted}"


def _explain(error: ValidationError, sources: _Sources) -> str:
    lines = []
    for item in error.errors(include_url=False, include_context=False):
        field = ".".join(map(str, item["loc"]))
        hidden = any(word in field for word in ("key", "secret", "url", "password")) or isinstance(
            item["input"], dict | list | tuple
        )
        value = "" if hidden else f" (value: {item['input']!r})"
        lines.append(f"{sources.place(item['loc'])}: {item['msg']}{value}")
    return "\n".join(lines)
