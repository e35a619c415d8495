"""Names in Redis that more than one floor knows; each is empty at first, and may be emptied at any time."""

SYSTEM_STATUS_CHANNEL = "opitios:system_status"
SYSTEM_STATUS = "opitios:system_status:last"


def breaker_key(account: str) -> str:
    """Return the hash of an account's circuit breaker: opened_at, until, pause, why, last_opened (ms, Redis' clock)."""
    return f"opitios:breaker:{account}"
