"""A circuit breaker an account: a broker that fails again and again gets no entries for a while (R26).

Here is the port and the form that one process keeps for itself; `brokers/shared_breaker.py` is the one all share.
Exits, cancels, look-ups and polls never ask it: they try on, and what they are answered closes it.
"""

import threading
from dataclasses import dataclass, field
from typing import Protocol

from loguru import logger

from domain.breaker import MAX_PAUSE_MS, BreakerRules, Contact, contact_of
from domain.clock import Clock

PROBE_MS = 6_000  # longer than a call may take: so long nobody else is asked to look


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether an entry may go: 0, else the seconds until it is worth asking again. `is_probe`: look at the broker now.

    One who asks is told to probe once the pause is over: a read that answers closes the breaker, and costs nothing.
    """

    wait_s: float
    is_probe: bool = False


GO = Gate(0)


class Breaker(Protocol):
    """What is known of a broker's health, an account."""

    def met(self, account: str, reason_code: str | None) -> None:
        """Learn how a call ended: None where the broker took it, else why not."""
        ...

    def gate(self, account: str) -> Gate:
        """Return whether an entry may be tried."""
        ...

    def follow(self, rules: BreakerRules) -> None:
        """Open by these rules from now on."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(slots=True)
class _Circuit:
    failed_ms: list[float] = field(default_factory=list)  # float: milliseconds of a clock
    until_ms: float | None = None  # None: closed
    pause_ms: float = 0
    probing_until_ms: float = 0


class LocalBreaker(Breaker):
    """A breaker an account that counts this process's calls alone."""

    def __init__(self, clock: Clock, rules: BreakerRules) -> None:
        self._clock = clock
        self._rules = rules
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def met(self, account: str, reason_code: str | None) -> None:
        """Count a failure, or forget them all; see Breaker."""
        contact = contact_of(reason_code)
        with self._lock:
            if contact is Contact.FAILED:
                self._fail(account, self._circuits.setdefault(account, _Circuit()), str(reason_code))
            elif contact is Contact.ANSWERED:
                circuit = self._circuits.pop(account, None)
                if circuit is not None and circuit.until_ms is not None:
                    tell_closed(account)

    def gate(self, account: str) -> Gate:
        """Return whether an entry may be tried; see Breaker."""
        with self._lock:
            circuit = self._circuits.get(account)
            if circuit is None or circuit.until_ms is None:
                return GO
            now = self._clock.monotonic_ms()
            if now < circuit.until_ms:
                return Gate((circuit.until_ms - now) / 1000)
            if now < circuit.probing_until_ms:
                return Gate((circuit.probing_until_ms - now) / 1000)
            circuit.probing_until_ms = now + PROBE_MS
            return Gate(1, is_probe=True)

    def follow(self, rules: BreakerRules) -> None:
        """Open by these rules from now on; see Breaker."""
        self._rules = rules

    def close(self) -> None:
        """Have nothing to let go of; see Breaker."""

    def _fail(self, account: str, circuit: _Circuit, why: str) -> None:
        now = self._clock.monotonic_ms()
        if circuit.until_ms is not None:
            if now >= circuit.until_ms:
                circuit.pause_ms = min(2 * circuit.pause_ms, MAX_PAUSE_MS)
                circuit.until_ms, circuit.probing_until_ms = now + circuit.pause_ms, 0
                tell_longer(account, why, circuit.pause_ms)
            return
        since = now - self._rules.window_ms
        circuit.failed_ms = [*(at for at in circuit.failed_ms if at >= since), now]
        if len(circuit.failed_ms) >= self._rules.failures:
            circuit.pause_ms = self._rules.pause_ms
            circuit.until_ms, circuit.failed_ms = now + circuit.pause_ms, []
            tell_opened(account, why, circuit.pause_ms)


def tell_opened(account: str, why: str, pause_ms: float) -> None:
    """Log that entries are held now, for so many ms at first."""
    logger.error("Circuit breaker of {} open ({}): entries wait {:.0f} s", account, why, pause_ms / 1000)


def tell_longer(account: str, why: str, pause_ms: float) -> None:
    """Log that the broker failed its probe."""
    logger.warning("Circuit breaker of {} stays open ({}): entries wait {:.0f} s", account, why, pause_ms / 1000)


def tell_closed(account: str) -> None:
    """Log that the broker has answered."""
    logger.info("Circuit breaker of {} closed: the broker answers", account)
