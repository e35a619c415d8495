"""What one worker process works with: pool, brokers, budget, hints; made after the fork, when first needed."""

import os
import socket
import threading
from dataclasses import asdict, dataclass
from functools import cached_property

from brokers.protocol import Broker
from brokers.rate_budget import LocalRateBudget, RateBudget
from brokers.registry import BrokerRegistry
from config.celery import WORKER_QUEUES
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.settings import SINGLE, WORKER_SPARE, Settings, load_settings
from domain.clock import Clock
from domain.ids import Ids
from events.hints import HintPublisher
from models.pool import PoolStats
from models.session import Database
from services.gauges import store_gauges
from services.order_facts import Policy
from services.origin import Origin
from tasks.prices import AskCache

# every process counts for itself, so each kind of worker takes its part of the broker's limit
SHARES = len(WORKER_QUEUES)


@dataclass(frozen=True)
class Context:
    """The process's own things."""

    settings: Settings
    clock: Clock = SYSTEM_CLOCK
    ids: Ids = SYSTEM_IDS

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
    def brokers(self) -> BrokerRegistry:
        """The accounts' brokers."""
        return BrokerRegistry(self.settings, self.clock)

    @cached_property
    def budget(self) -> RateBudget:
        """The share of each account's limit that falls to one process."""
        limits = {account.name: account.rate_limit_per_minute / SHARES for account in self.settings.accounts}
        return LocalRateBudget(self.clock, limits)

    @cached_property
    def hints(self) -> HintPublisher:
        """The publisher of hints."""
        return HintPublisher(self.settings.redis_url.get_secret_value())

    @cached_property
    def asks(self) -> AskCache:
        """Asks of the last second."""
        return AskCache(self.clock)

    @cached_property
    def policy(self) -> Policy:
        """What a claim is judged by."""
        return Policy(self.settings.trading, self.settings.exchange_url)

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
            store_gauges(unit, self.origin, asdict(stats))

    def broker(self, account: str) -> Broker:
        """Return an account's broker."""
        return self.brokers.broker(account)


_lock = threading.Lock()
_contexts: dict[int, Context] = {}


def context() -> Context:
    """Return this process's context; a forked child makes its own."""
    pid = os.getpid()
    with _lock:
        if pid not in _contexts:
            _contexts[pid] = Context(load_settings())
        return _contexts[pid]
