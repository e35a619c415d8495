"""One frozen settings model, read at the edges (CFG-001).

Sources, the later wins: defaults, `runtime.json` of the stack, `secrets.yml` in the predecessor's structure, the
environment. `secrets.yml` is found by OPITIOS_CONFIG, in the working directory, in OPITIOS_HOME.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator

from config.celery import WORKER_QUEUES
from config.explaining import explain
from config.home import Home, find_home
from config.log_settings import LoggingSettings
from config.sections import (
    AccountSettings,
    AuditSettings,
    BreakerSettings,
    ClockSettings,
    DatabaseSettings,
    FlowerSettings,
    ReconcileSettings,
    RetentionSettings,
    Section,
    TradingSettings,
    WorkerSettings,
)
from config.sell_settings import SellSettings
from config.sources import ConfigError, Content, Sources, gather, read_content
from domain.balance import DEFAULT_MINIMUM

__all__ = [
    "AccountSettings",
    "ConfigError",
    "DatabaseSettings",
    "Settings",
    "TradingSettings",
    "WorkerSettings",
    "load_settings",
]

_JWT_KEY_BYTES = 32
WORKER_SPARE = 2  # a worker's hints and checks have connections besides its threads'
SINGLE = 2  # relay, beat and ticks work off one thing at a time; streams keep leases beside that
WATCH = 1  # the relay's watch has a connection of its own
SEALING = 2  # the sealer has one, and the API one for a verification
REPORTS = 4  # the API reads so many reports at a time, each on a connection of its own as compliance_ro
MAX_CONNECTIONS = 100


class Settings(Section):
    """Everything a process needs to know."""

    home: Home
    process: str = "cli"
    boot_id: str = ""
    api_host: str = "127.0.0.1"
    api_port: int = 8090
    app_database_url: SecretStr = SecretStr("")
    migrations_database_url: SecretStr = SecretStr("")
    compliance_database_url: SecretStr = SecretStr("")
    sealer_database_url: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    exchange_url: str | None = None
    jwt_secret: SecretStr = SecretStr("")
    jwt_hours: int = Field(default=168, gt=0, le=168)
    trading: TradingSettings = TradingSettings()
    breaker: BreakerSettings = BreakerSettings()
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = Field(default=WorkerSettings(), validate_default=True)
    reconcile: ReconcileSettings = ReconcileSettings()
    clock: ClockSettings = ClockSettings()
    retention: RetentionSettings = RetentionSettings()
    sell_module: SellSettings = SellSettings()
    audit: AuditSettings = AuditSettings()
    flower: FlowerSettings = FlowerSettings()
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

    @field_validator("accounts")
    @classmethod
    def _one_of_each_name(cls, accounts: tuple[AccountSettings, ...]) -> tuple[AccountSettings, ...]:
        names = [account.name for account in accounts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"expected a name for each; two or more are called {', '.join(twice)}"
            raise ValueError(message)
        return accounts

    @property
    def connections(self) -> int:
        """How many connections the stack's processes may hold together."""
        return connections(self.database, self.worker)

    @property
    def seal_key_path(self) -> Path:
        """The file of the key that signs seals."""
        return Path(self.audit.key) if self.audit.key else self.home.audit / "seal-key.pem"

    @property
    def checkpoints_path(self) -> Path:
        """The directory of the seals' checkpoints and of the public keys that check them."""
        return Path(self.audit.checkpoints) if self.audit.checkpoints else self.home.audit / "checkpoints"

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"http://{self.api_host}:{self.api_port}"

    @property
    def flower_url(self) -> str:
        """Where Flower answers."""
        return f"http://{self.flower.host}:{self.flower.port}"

    def account(self, name: str) -> AccountSettings | None:
        """Return an account's section, or None."""
        return next((account for account in self.accounts if account.name == name), None)

    def trading_of(self, name: str) -> TradingSettings:
        """Return the thresholds an account is held to: its own, else those for all."""
        account = self.account(name)
        own = {} if account is None else {field: getattr(account, field) for field in TradingSettings.model_fields}
        given = {field: value for field, value in own.items() if value is not None}
        return self.trading.model_copy(update=given) if given else self.trading


def connections(database: DatabaseSettings, worker: WorkerSettings) -> int:
    """Return what one API with its reports, the workers, ticks, relay, sealer, beat and streams may hold together."""
    every_worker = len(WORKER_QUEUES) * (worker.threads + WORKER_SPARE)
    return database.pool_max + every_worker + 4 * SINGLE + WATCH + SEALING + REPORTS


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings, where they come from, and which thresholds were wrong so that safe ones hold instead (CFG-001)."""

    settings: Settings
    sources: Sources
    replaced: str | None = None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings a process starts with; see `read_at_start`."""
    return read_at_start(environ).settings


def read_at_start(environ: Mapping[str, str] | None = None) -> Reading:
    """Read every source once. Raises ConfigError; it never holds a secret value.

    A wrong threshold does not stop a start: the safe default holds in its place ($5000, enabled).
    """
    env = os.environ if environ is None else environ
    return read_settings(env, read_content(find_home(env), env), safe_defaults=True)


def read_settings(env: Mapping[str, str], content: Content, *, safe_defaults: bool = False) -> Reading:
    """Judge what the sources say, with `content` as the file. Raises ConfigError.

    With `safe_defaults` a wrong threshold is replaced by its default, and the reading says what was wrong.
    """
    home = find_home(env)
    sources = gather(home, env, content, frozenset(Settings.model_fields) - {"home"})
    try:
        return Reading(Settings(home=home, **sources.values), sources)
    except ValidationError as error:
        complaint = explain(error, sources)
        if not safe_defaults:
            raise ConfigError(complaint) from None
        wrong = [item["loc"] for item in error.errors()]
    if not all(_is_threshold(place) for place in wrong):
        raise ConfigError(complaint)
    return Reading(Settings(home=home, **_made_safe(sources.values, wrong)), sources, complaint)


def _is_threshold(place: tuple[str | int, ...]) -> bool:
    return place[0] in {"trading", "accounts"} and place[-1] in TradingSettings.model_fields


def _made_safe(values: Mapping[str, Any], wrong: list[tuple[str | int, ...]]) -> dict[str, Any]:
    """Return the values with the default in place of each wrong threshold; an account never gets less than all have."""
    bad = {place[1] for place in wrong if place[0] == "trading"}
    trading = {key: value for key, value in values.get("trading", {}).items() if key not in bad}
    minimum = max(DEFAULT_MINIMUM, TradingSettings(**trading).minimum_balance)
    accounts = [dict(account) for account in values["accounts"]]
    for _, number, *field in (place for place in wrong if place[0] == "accounts"):
        safe = {"minimum_balance": minimum, "balance_check_enabled": True}
        accounts[int(number)][str(field[0])] = safe.get(str(field[0]))  # None: what holds for all
    return dict(values) | {"trading": trading, "accounts": tuple(accounts)}
