"""The only place that names a concrete adapter: one broker an account and process, made when first asked for."""

import threading

from brokers.alpaca.adapter import AlpacaBroker
from brokers.deadline import Watchdog
from brokers.protocol import Broker
from config.settings import AccountSettings, Settings
from domain.clock import Clock
from domain.venue import EndpointKind, classify_endpoint


class NoSuchBroker(Exception):
    """The account names a broker nobody here speaks to, or has no keys."""


class BrokerRegistry:
    """Brokers of one process; make it after a fork."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._watchdog = Watchdog(clock)
        self._brokers: dict[str, Broker] = {}
        self._lock = threading.Lock()

    def broker(self, account: str) -> Broker:
        """Return the account's broker. Raises NoSuchBroker."""
        with self._lock:
            if account not in self._brokers:
                self._brokers[account] = self._make(account)
            return self._brokers[account]

    def close(self) -> None:
        """Close every broker's connections."""
        with self._lock:
            for broker in self._brokers.values():
                broker.close()
            self._brokers.clear()

    def _make(self, name: str) -> Broker:
        account = self._settings.account(name)
        if account is None or not account.api_key.get_secret_value():
            raise NoSuchBroker(f"account {name}: no keys in secrets.yml")
        if account.broker != "alpaca":
            raise NoSuchBroker(f"account {name}: broker {account.broker!r} is not known; expected alpaca")
        return self._alpaca(account)

    def _alpaca(self, account: AccountSettings) -> Broker:
        return AlpacaBroker(
            api_key=account.api_key.get_secret_value(),
            secret_key=account.secret_key.get_secret_value(),
            base_url=account.base_url,
            data_url=account.data_url,
            clock=self._clock,
            watchdog=self._watchdog,
            may_enter=self._may_enter,
        )

    def _may_enter(self, url: str) -> str | None:
        """Return why a placement must not leave for `url`, None when it may (R9, R24)."""
        if classify_endpoint(url, self._settings.exchange_url) is EndpointKind.LIVE:
            return "the endpoint is neither a known paper host nor the simulated exchange"
        return None
