"""What the API process works with: settings, pool, publisher, caches; made once at its start."""

import os
import socket
import threading
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request
from loguru import logger

from api.cache import TtlCache
from api.idempotency import KeysInFlight
from api.probe import Probe
from api.waiting import Waiting
from config.celery import CHECK_BALANCE
from config.clock import SYSTEM_CLOCK
from config.ids import SYSTEM_IDS
from config.live import LiveSettings, Verdict
from config.logging import learn_secrets
from config.settings import REPORTS, Settings
from domain.clock import Clock
from domain.ids import Ids
from domain.orders import Instrument
from events.breakers import BreakerBoard
from events.hints import HintPublisher
from models.pool import PoolStats
from models.session import Database
from models.unit import StoreError
from services.accounts import AccountRef, find_account
from services.clock_checks import check_clock
from services.configuration_state import Reporter, record_verdict
from services.gauges import store_gauges
from services.health import Standing, read_standing
from services.operations import record_operation
from services.origin import Origin, Stamp
from services.process_record import STARTED, STOPPED, process_operation
from services.users import UserRef

TOKEN_S = 60
USER_S = 2  # a disabled user is out within this
ENDED_SESSION_S = 60
ACCOUNT_S = 2
INSTRUMENT_S = 30


@dataclass
class ApiState:
    """The process's own things. `settings` are swapped whole when the file changes: read them anew for each request."""

    settings: Settings
    database: Database
    hints: HintPublisher
    tokens: TtlCache[str, dict[str, Any]]  # the claims of tokens whose signature was verified; their end is not
    users: TtlCache[str, UserRef]
    ended_sessions: TtlCache[tuple[str, int], bool]  # those whose refusal is on record
    accounts: TtlCache[str, AccountRef]
    instruments: TtlCache[tuple[str, str], Instrument]
    keys: KeysInFlight
    waiting: Waiting
    database_probe: Probe[Standing]
    redis_probe: Probe[bool]
    breakers: BreakerBoard
    clock: Clock = SYSTEM_CLOCK
    ids: Ids = SYSTEM_IDS
    has_told_start: bool = False
    report_slots: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(REPORTS))
    live: LiveSettings = field(init=False)  # started by whoever serves from the machine's own settings

    def __post_init__(self) -> None:
        """Begin to know the file, before any thread asks how we stand to it."""
        self.live = LiveSettings(self.settings, self.clock, follow=self.follow, record=self._record, away=StoreError)

    def follow(self, settings: Settings) -> None:
        """Answer by these settings from now on."""
        learn_secrets(settings)
        self.settings = settings

    def origin(self, actor: str) -> Origin:
        """Return who acts: a user of this process."""
        return Origin(actor=actor, host=socket.gethostname(), process=f"{self.settings.process}:{os.getpid()}")

    def account(self, name: str) -> AccountRef | None:
        """Return an account as it was at most two seconds ago, None without one."""

        def load() -> AccountRef | None:
            with self.database.statement() as unit:
                return find_account(unit, name)

        return self.accounts.get(name, load)

    def stamp(self, actor: str) -> Stamp:
        """Return what a change of this user is recorded with, now."""
        return Stamp(self.clock.now(), self.ids, self.origin(actor))

    def report(self, stats: PoolStats) -> None:
        """Write this process's gauges where every other can read them."""
        with self.database.statement() as unit:
            origin = self.origin("system:api")
            store_gauges(unit, origin, asdict(stats), asdict(self.live.standing))
            wrong = check_clock(unit, self.settings.clock, self.clock, self.ids, origin=origin)
        for alert in wrong:
            logger.warning("Alert {} ({}) {}: {}", alert.kind, alert.severity, alert.subject, alert.message)

    def tell(self, what: str) -> None:
        """Put a start or stop of this process on record. Raises StoreError."""
        stamp = self.stamp("system:api")
        with self.database.statement() as unit:
            record_operation(unit, process_operation(what, self.settings, stamp), stamp.origin, self.ids)

    def tell_stop(self) -> None:
        """Put the end of this process on record, if its start is there and the database is."""
        if not self.has_told_start:
            return
        try:
            self.tell(STOPPED)
        except StoreError as error:
            logger.warning("The stop of this process is not on record: {}", type(error).__name__)

    def _record(self, verdict: Verdict) -> bool:
        if not self.has_told_start:  # asked again until the database is there: the start waits for nothing
            self.tell(STARTED)
            self.has_told_start = True
        origin, pool = self.origin("system:api"), asdict(self.database.stats())
        by = Reporter(origin, self.clock, self.ids, self.live.standing, pool, self.live.is_current)
        with self.database.unit() as unit:
            recorded = record_verdict(unit, verdict, by)
        for account_id in recorded.to_read:
            self.hints.hint(CHECK_BALANCE, str(account_id))
        return recorded.is_done


def make_state(settings: Settings) -> ApiState:
    """Open what the process needs; connections are made when first used."""
    url = settings.app_database_url.get_secret_value()
    pool = settings.database
    database = Database(
        url, application_name=f"opitios-{settings.process}", pool_size=pool.pool_max, keep=pool.pool_min
    )
    hints = HintPublisher(settings.redis_url.get_secret_value())
    state = ApiState(
        settings=settings,
        database=database,
        hints=hints,
        tokens=TtlCache(SYSTEM_CLOCK, TOKEN_S),
        users=TtlCache(SYSTEM_CLOCK, USER_S),
        ended_sessions=TtlCache(SYSTEM_CLOCK, ENDED_SESSION_S),
        accounts=TtlCache(SYSTEM_CLOCK, ACCOUNT_S),
        instruments=TtlCache(SYSTEM_CLOCK, INSTRUMENT_S),
        keys=KeysInFlight(),
        waiting=Waiting(database),
        database_probe=Probe(lambda: _standing(database)),
        redis_probe=Probe(hints.ping),
        breakers=BreakerBoard(settings.redis_url.get_secret_value()),
    )
    database.report_to(state.report)
    return state


def _standing(database: Database) -> Standing:
    with database.statement() as unit:
        return read_standing(unit)


def state_of(request: Request) -> ApiState:
    """Return the application's state."""
    state: ApiState = request.app.state.opitios
    return state


async def _state(request: Request) -> ApiState:
    return state_of(request)  # a plain function would cost every request a hop to a thread


State = Annotated[ApiState, Depends(_state)]
