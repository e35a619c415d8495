"""The only place that names a concrete adapter: one broker an account and process, made when first asked for."""

import threading
from collections.abc import Callable
from functools import partial

from brokers.alpaca.adapter import AlpacaBroker
from brokers.alpaca.feed import AlpacaFeed
from brokers.client_stats import ClientStats
from brokers.deadline import Watchdog, last_network_ms
from brokers.protocol import Broker, TradeFeed
from brokers.rate_budget import Allowance
from config.settings import AccountSettings, Settings
from domain.clock import Clock
from domain.venue import EndpointKind, classify_endpoint


class NoSuchBroker(Exception):
    """The account names a broker nobody here speaks to, or has no keys."""


_IN_FLIGHT_MS = 60_000  # longer than any call to a broker may take


class BrokerRegistry:
    """Brokers of one process; make it after a fork.

    `told` takes what a broker says of an account's limit, `met` how each of its calls ended (see brokers/breaker.py).
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        told: Callable[[str, Allowance], None],
        met: Callable[[str, str | None], None] = lambda *_: None,
    ) -> None:
        self._settings = settings
        self._told = told
        self._met = met
        self._clock = clock
        self._watchdog = Watchdog(clock)
        self.stats = ClientStats(clock)
        self._brokers: dict[str, tuple[AccountSettings, Broker]] = {}
        self._retired: list[tuple[float, Broker]] = []
        self._lock = threading.Lock()

    def broker(self, account: str) -> Broker:
        """Return the account's broker. Raises NoSuchBroker."""
        return self.connection(account)[1]

    def connection(self, account: str) -> tuple[AccountSettings, Broker]:
        """Return the account's broker with the section it was made from. Raises NoSuchBroker."""
        with self._lock:
            if account not in self._brokers:
                self._brokers[account] = self._make(account)
            return self._brokers[account]

    def feed(self, account: str) -> TradeFeed:
        """Return a new feed of the account's trade updates, not yet open. Raises NoSuchBroker."""
        with self._lock:
            section = self._section(account)
        return AlpacaFeed(section.base_url, section.api_key.get_secret_value(), section.secret_key.get_secret_value())

    def follow(self, settings: Settings) -> None:
        """Make brokers by these settings from now on; whoever has one whose section changed ends with it.

        Such a broker is closed a minute later at the earliest: a request on its way must not lose its connection.
        """
        now = self._clock.monotonic_ms()
        with self._lock:
            self._settings = settings
            for name, (section, broker) in list(self._brokers.items()):
                if settings.account(name) != section:
                    del self._brokers[name]
                    self._retired.append((now, broker))
            ended = [broker for since, broker in self._retired if now - since > _IN_FLIGHT_MS]
            self._retired = [entry for entry in self._retired if entry[1] not in ended]
        for broker in ended:
            broker.close()

    def close(self) -> None:
        """Close every broker's connections."""
        with self._lock:
            for broker in [broker for _, broker in (*self._brokers.values(), *self._retired)]:
                broker.close()
            self._brokers.clear()
            self._retired.clear()

    def _make(self, name: str) -> tuple[AccountSettings, Broker]:
        account = self._section(name)
        self.stats.begin(name)
        return account, self._alpaca(account)

    def _heard(self, account: str, reason_code: str | None) -> None:
        """Take how a call ended, in the thread that has made it: the time on the wire is that of its last one."""
        self.stats.count(account, reason_code, last_network_ms())
        self._met(account, reason_code)

    def _section(self, name: str) -> AccountSettings:
        account = self._settings.account(name)
        if account is None or not account.api_key.get_secret_value():
            raise NoSuchBroker(f"account {name}: no keys in secrets.yml")
        if account.broker != "alpaca":
            raise NoSuchBroker(f"account {name}: broker {account.broker!r} is not known; expected alpaca")
        return account

    def _alpaca(self, account: AccountSettings) -> Broker:
        return AlpacaBroker(
            api_key=account.api_key.get_secret_value(),
            secret_key=account.secret_key.get_secret_value(),
            base_url=account.base_url,
            data_url=account.data_url,
            watchdog=self._watchdog,
            may_enter=self._may_enter,
            told=partial(self._told, account.name),
            met=partial(self._heard, account.name),
        )

    def _may_enter(self, url: str) -> str | None:
        """Return why a placement must not leave for `url`, None when it may (R9, R24)."""
        if classify_endpoint(url, self._settings.exchange_url) is EndpointKind.LIVE:
            return "the endpoint is neither a known paper host nor the simulated exchange"
        return None
