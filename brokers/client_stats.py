"""What each account's client has done in this process: for the figures of the account pool (MON-001)."""

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.breaker import Contact, contact_of
from domain.clock import Clock


@dataclass
class _Client:
    created_at: datetime
    last_used: datetime | None = None
    usage_count: int = 0
    error_count: int = 0
    network_ms: float = 0
    is_healthy: bool = True


class ClientStats:
    """Counts calls by account since its client was made; a broker that refuses has answered, and is no error."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._clients: dict[str, _Client] = {}
        self._lock = threading.Lock()

    def begin(self, account: str) -> None:
        """Begin anew: the account has another client now."""
        with self._lock:
            self._clients[account] = _Client(self._clock.now())

    def count(self, account: str, reason_code: str | None, network_ms: float | None) -> None:
        """Count a call that ended with this code after so many ms on the wire."""
        contact = contact_of(reason_code)
        with self._lock:
            client = self._clients.get(account)
            if client is None:
                return
            client.last_used = self._clock.now()
            client.usage_count += 1
            client.network_ms += network_ms or 0
            client.error_count += contact is Contact.FAILED
            client.is_healthy = contact is not Contact.FAILED

    def read(self) -> dict[str, dict[str, Any]]:
        """Return the clients by account, as JSON; the average is in ms."""
        with self._lock:
            return {name: _shown(client) for name, client in self._clients.items()}


def _shown(client: _Client) -> dict[str, Any]:
    return {
        "created_at": client.created_at.isoformat(),
        "last_used": None if client.last_used is None else client.last_used.isoformat(),
        "usage_count": client.usage_count,
        "error_count": client.error_count,
        "avg_response_ms": round(client.network_ms / client.usage_count, 3) if client.usage_count else None,
        "is_healthy": client.is_healthy,
    }
