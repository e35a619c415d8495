"""What one worker process works with: pool, brokers, budget, hints; made after the fork, when first needed."""

import datetime as dt
import os
import socket
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from loguru import logger

from brokers.breaker import Breaker
from brokers.protocol import Broker
from brokers.rate_budget import RateBudget
from brokers.registry import BrokerRegistry
from brokers.shared_breaker import SharedBreaker
from brokers.shared_budget import SharedRateBudget
from config.celery import CHECK_BALANCE, WORKER_QUEUES
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.live import LiveSettings, Verdict
from config.logging import learn_secrets
from config.settings import SINGLE, WORKER_SPARE, Settings, load_settings
from domain.clock import Clock
from domain.ids import Ids
from events.hints import HintPublisher
from events.spool import Spool
from models.pool import PoolStats
from models.session import Database
from models.unit import StoreError
from services.clock_checks import check_clock
from services.configuration_state import Reporter, record_verdict
from services.gauges import store_gauges
from services.leases import read_clock
from services.order_facts import Policy
from services.origin import Origin, Stamp
from services.process_record import STARTED, process_operation
from services.rules_version import rules_version
from services.spooled import operated
from tasks.prices import AskCache
from tasks.spooling import replay


@dataclass
class Context:
    """The process's own things. `settings` are swapped whole when the file changes: read them anew for each order."""

    settings: Settings
    clock: Clock = SYSTEM_CLOCK
    ids: Ids = SYSTEM_IDS
    budget: RateBudget = field(init=False)  # what is left of each account's limit, over all processes
    breaker: Breaker = field(init=False)  # whether an account's broker works, as all processes have met it
    brokers: BrokerRegistry = field(init=False)
    # when this process began to place, by the database's clock; None: it waits for no reconcile (docs/reconcile.md)
    placing_since: dt.datetime | None = field(default=None, init=False)
    # ticks of the seller in a row that had no price at all; None before the first
    blind_ticks: int | None = field(default=None, init=False)
    _rules: tuple[Settings, str] | None = field(default=None, init=False)  # the version of these settings' thresholds
    live: LiveSettings = field(init=False)  # the watch over the settings; `start` it once everything else is there

    def __post_init__(self) -> None:
        """Make what follows the settings before any thread could make it by older ones."""
        self._began_at, self._began_ms = self.clock.now(), self.clock.monotonic_ms()
        url = self.settings.redis_url.get_secret_value()
        self.budget = SharedRateBudget(url, self.clock, _limits(self.settings), processes=len(WORKER_QUEUES))
        self.breaker = SharedBreaker(url, self.clock, self.settings.breaker.rules)
        self.brokers = BrokerRegistry(self.settings, self.clock, self.budget.told, self.breaker.met)
        self.live = LiveSettings(self.settings, self.clock, follow=self.follow, record=self._record, away=StoreError)

    @cached_property
    def database(self) -> Database:
        """The pool, logging in as opitios_app: a connection for every thread of a worker."""
        is_worker = self.settings.process.startswith("worker")
        size = self.settings.worker.threads + WORKER_SPARE if is_worker else SINGLE
        url = self.settings.app_database_url.get_secret_value()
        made = Database(url, application_name=f"opitios-{self.settings.process}", pool_size=size)
        made.report_to(self._report)
        return made

    @cached_property
    def hints(self) -> HintPublisher:
        """The publisher of hints."""
        return HintPublisher(self.settings.redis_url.get_secret_value())

    @cached_property
    def spool(self) -> Spool:
        """What this process could not write while Postgres was away."""
        return Spool.of_process(self.settings.home.spool, self.settings.process)

    @cached_property
    def asks(self) -> AskCache:
        """Asks of the last second."""
        return AskCache(self.clock)

    def policy(self, account: str) -> Policy:
        """Return what a claim is judged by now: all of it from the same settings."""
        settings = self.settings
        section = settings.account(account)
        identity = None if section is None else section.identity
        version = self._version_of(settings)
        return Policy(settings.trading_of(account), settings.exchange_url, identity, self.placing_since, version)

    def _version_of(self, settings: Settings) -> str:
        if self._rules is None or self._rules[0] is not settings:
            self._rules = settings, rules_version(settings)
        return self._rules[1]

    def begin_placing(self) -> None:
        """Note the start by the database's clock: orders wait until their account was reconciled after it."""
        with self.database.statement() as unit:
            self.placing_since = read_clock(unit)

    def follow(self, settings: Settings) -> None:
        """Work with these settings from now on; what runs already ends as it began."""
        learn_secrets(settings)
        self.settings = settings
        self.brokers.follow(settings)
        self.budget.follow(_limits(settings))
        self.breaker.follow(settings.breaker.rules)

    @cached_property
    def announced(self) -> set[str]:
        """Accounts whose type this process has logged since its start."""
        return set()

    @cached_property
    def origin(self) -> Origin:
        """Who acts here."""
        process = f"{self.settings.process}:{os.getpid()}"
        return Origin(actor=f"system:{self.settings.process}", host=socket.gethostname(), process=process)

    def _report(self, stats: PoolStats) -> None:
        with self.database.statement() as unit:
            store_gauges(unit, self.origin, self._gauges(stats), asdict(self.live.standing))
            wrong = check_clock(unit, self.settings.clock, self.clock, self.ids, origin=self.origin)
        for alert in wrong:
            logger.warning("Alert {} ({}) {}: {}", alert.kind, alert.severity, alert.subject, alert.message)
        replay(self.database, self.spool, self.ids)

    def _gauges(self, stats: PoolStats) -> dict[str, Any]:
        return asdict(stats) | {"clients": self.brokers.stats.read()}

    def _record(self, verdict: Verdict) -> bool:
        pool = self._gauges(self.database.stats())
        by = Reporter(self.origin, self.clock, self.ids, self.live.standing, pool, self.live.is_current)
        with self.database.unit() as unit:
            recorded = record_verdict(unit, verdict, by)
        for account_id in recorded.to_read:
            self.hints.hint(CHECK_BALANCE, str(account_id))
        return recorded.is_done

    def tell(self, what: str) -> None:
        """Put a start or stop of this process on record; it is on the disk first, and waits there for the database."""
        stamp = Stamp(self.clock.now(), self.ids, self.origin)
        took_ms = self.clock.monotonic_ms() - self._began_ms if what == STARTED else 0
        since = self._began_at if what == STARTED else None
        told = process_operation(what, self.settings, stamp, since=since, total_ms=took_ms)
        self.spool.keep([operated(told, stamp)])
        with suppress(StoreError):
            replay(self.database, self.spool, self.ids)

    def close(self) -> None:
        """Let go of everything that was opened."""
        if "hints" in self.__dict__:
            self.hints.close()
        self.brokers.close()
        self.budget.close()
        self.breaker.close()
        if "database" in self.__dict__:
            self.database.dispose()

    def broker(self, account: str) -> Broker:
        """Return an account's broker."""
        return self.brokers.broker(account)


def _limits(settings: Settings) -> dict[str, float]:
    return {account.name: account.rate_limit_per_minute for account in settings.accounts}


_lock = threading.Lock()
_contexts: dict[int, Context] = {}


def context() -> Context:
    """Return this process's context; a forked child makes its own."""
    pid = os.getpid()
    with _lock:
        if pid not in _contexts:
            _contexts[pid] = Context(load_settings())
        return _contexts[pid]
