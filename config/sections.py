"""The sections of the settings: one frozen model each, in the words of `secrets.yml` (CFG-001, docs/configuration.md).

A new section is its model here, a field of `Settings`, and a line in `SECTIONS` of `config/sources.py`.
"""

import datetime as dt
import hashlib
import re
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, field_validator
from pydantic import ValidationInfo as Info

from domain.account_type import AccountType
from domain.balance import DEFAULT_MINIMUM, BalanceRule, OnBalanceError
from domain.breaker import BreakerRules

_MOST_USD = Decimal(999_999_999_999)  # what NUMERIC(20,8) holds
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
_LONGEST = dt.timedelta(days=366)


def _no_switch(value: object) -> object:
    if isinstance(value, bool):
        message = "expected a number"
        raise ValueError(message)  # noqa: TRY004  pydantic turns a ValueError alone into a sentence of its own
    return value


def _seconds(value: object) -> object:
    """Return a text that is a number, as the environment gives it, as seconds; ISO 8601 stays what it is."""
    is_number = isinstance(value, str) and _NUMBER.fullmatch(value)
    return float(str(value)) if is_number else _no_switch(value)


Usd = Annotated[Decimal, BeforeValidator(_no_switch), Field(ge=0, le=_MOST_USD)]
Share = Annotated[Decimal, BeforeValidator(_no_switch), Field(ge=0, le=1)]
Age = Annotated[dt.timedelta, BeforeValidator(_seconds), Field(ge=dt.timedelta(0), le=_LONGEST)]
Patience = Annotated[dt.timedelta, BeforeValidator(_seconds), Field(gt=dt.timedelta(0), le=_LONGEST)]
AccountName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Section(BaseModel):
    """What every section has: it never changes, and a key nobody knows is named elsewhere, not refused."""

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)


class TradingSettings(Section):
    """Thresholds that hold for every account unless it has its own (ACC-002, CFG-001)."""

    minimum_balance: Usd = DEFAULT_MINIMUM
    balance_check_enabled: bool = True
    balance_rule: BalanceRule = BalanceRule.BEFORE
    on_balance_error: OnBalanceError = OnBalanceError.ALLOW
    balance_max_age: Age = dt.timedelta(seconds=300)
    market_collar: Share = Decimal("0.02")
    market_place_before: Patience = dt.timedelta(seconds=60)
    limit_place_before: Patience = dt.timedelta(hours=8)


class AccountSettings(Section):
    """One broker account, with thresholds of its own where it has them. Keys never leave the process that uses them."""

    name: AccountName
    broker: str = "alpaca"
    api_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    base_url: str = "https://paper-api.alpaca.markets"
    data_url: str = "https://data.alpaca.markets"
    paper_trading: bool | None = None
    account_type: AccountType | None = None
    enabled: bool = True
    rate_limit_per_minute: int = Field(default=200, gt=0)
    minimum_balance: Usd | None = None
    balance_check_enabled: bool | None = None
    balance_rule: BalanceRule | None = None
    on_balance_error: OnBalanceError | None = None
    balance_max_age: Age | None = None
    market_collar: Share | None = None
    market_place_before: Patience | None = None
    limit_place_before: Patience | None = None

    @property
    def key_fingerprint(self) -> str:
        """What tells one key from another without being it."""
        return hashlib.sha256(self.api_key.get_secret_value().encode()).hexdigest()[:16]

    @property
    def identity(self) -> tuple[str, str]:
        """Whom the broker takes us for: endpoint and key. Another one is another account until it was read (R24)."""
        return self.base_url, self.key_fingerprint


class DatabaseSettings(Section):
    """Connections of one API process: at least and at most so many (US-SYSTEM-020)."""

    pool_min: int = Field(default=5, ge=1, le=100)
    pool_max: int = Field(default=10, ge=1, le=100, validate_default=True)

    @field_validator("pool_max")
    @classmethod
    def _not_below_the_minimum(cls, pool_max: int, info: Info) -> int:
        pool_min = info.data.get("pool_min", 1)
        if pool_max < pool_min:
            message = f"expected at least pool_min ({pool_min})"
            raise ValueError(message)
        return pool_max


class WorkerSettings(Section):
    """Celery workers: threads a process, and the events that Flower shows."""

    threads: int = Field(default=8, gt=0)
    events: bool = True


class BreakerSettings(Section):
    """When a broker that fails gets no entries, and for how long at first: the pause doubles up to a minute (R26)."""

    failures: int = Field(default=5, ge=1, le=100)
    window: Patience = dt.timedelta(seconds=30)
    pause: Annotated[Patience, Field(ge=dt.timedelta(seconds=1), le=dt.timedelta(seconds=60))] = dt.timedelta(seconds=5)

    @property
    def rules(self) -> BreakerRules:
        """The same in ms."""
        ms = dt.timedelta(milliseconds=1)
        return BreakerRules(self.failures, self.window // ms, self.pause // ms)


class ReconcileSettings(Section):
    """How often an account is compared with its broker, besides after every start (R31, docs/reconcile.md)."""

    interval: Annotated[Patience, Field(ge=dt.timedelta(seconds=5), le=dt.timedelta(hours=1))] = dt.timedelta(
        seconds=30
    )


class AuditSettings(Section):
    """Sealing of the audit trail: how often, what is late, where key and checkpoints are (R29, decision 0025)."""

    seal_interval: Annotated[Patience, Field(ge=dt.timedelta(seconds=1), le=dt.timedelta(seconds=60))] = dt.timedelta(
        seconds=5
    )
    heartbeat: Annotated[Patience, Field(ge=dt.timedelta(seconds=10), le=dt.timedelta(hours=1))] = dt.timedelta(
        seconds=60
    )
    lag_alarm: Annotated[Patience, Field(ge=dt.timedelta(seconds=10), le=dt.timedelta(hours=1))] = dt.timedelta(
        seconds=30
    )
    checkpoints: str | None = None
    key: str | None = None


class ClockSettings(Section):
    """The hosts' clocks: how often they are looked at, and how far off they may be (docs/decisions/0028-complete.md).

    `required`: a clock that nobody keeps, or that is further off, is critical and shows in health.
    """

    interval: Annotated[Patience, Field(ge=dt.timedelta(seconds=10), le=dt.timedelta(minutes=10))] = dt.timedelta(
        seconds=60
    )
    max_error: Patience = dt.timedelta(seconds=1)
    max_database_offset: Patience = dt.timedelta(seconds=1)
    required: bool = False

    @property
    def most_error_ms(self) -> Decimal:
        """The bound against UTC, in ms."""
        return _ms(self.max_error)

    @property
    def most_database_offset_ms(self) -> Decimal:
        """What host and database may be apart, in ms."""
        return _ms(self.max_database_offset)


def _ms(span: dt.timedelta) -> Decimal:
    return Decimal(span // dt.timedelta(microseconds=1)) / 1000


class RetentionSettings(Section):
    """How many whole years the audit trail stays in the database before a month may be retired (docs/retention.md).

    `audit.retire_part` refuses less than five, whatever stands here.
    """

    audit_years: int = Field(default=6, ge=5, le=100)


class FlowerSettings(Section):
    """Flower, the workers' page (docs/decisions/0014-flower-and-containers.md). It alone judges its password."""

    host: str = "127.0.0.1"
    port: int = Field(default=5555, ge=1, le=65535)
    user: str = Field(default="opitios", pattern=r"^[^:\s]+$")
    password: SecretStr = SecretStr("")
    read_only: bool = True
    max_tasks: int = Field(default=2000, ge=1, le=100_000)
