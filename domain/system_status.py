"""Whether everything works, for everybody: two sentences, and what of the house is in trouble (UC-SYSTEM-002)."""

from collections.abc import Collection
from dataclasses import dataclass

DEGRADED = "Some features temporarily unavailable"
OPERATIONAL = "All systems operational"

DATABASE_LOST = "database_unavailable"
REDIS_LOST = "redis_unavailable"
BROKER_LOST = "broker_unavailable"


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """What does not work: the kind of its alert, and what that is about."""

    kind: str
    subject: str


POSTGRES = Trouble(DATABASE_LOST, "postgres")
REDIS = Trouble(REDIS_LOST, "redis")


def message_of(troubles: Collection[Trouble]) -> str:
    """Return the sentence for everybody."""
    return DEGRADED if troubles else OPERATIONAL


def parts_of(troubles: Collection[Trouble]) -> dict[str, str | int]:
    """Return how the parts stand; brokers are counted, not named."""
    return {
        "database": "down" if POSTGRES in troubles else "healthy",
        "redis": "down" if REDIS in troubles else "healthy",
        "brokers_unavailable": sum(trouble.kind == BROKER_LOST for trouble in troubles),
    }
