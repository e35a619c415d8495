"""Identifiers and how they derive from each other; `config/ids.py` makes the new ones."""

import uuid
from typing import Protocol

BROKER_PREFIX = "opt-"


class Ids(Protocol):
    """Where new identifiers come from."""

    def new(self) -> uuid.UUID:
        """Return a new time-ordered identifier (UUIDv7)."""
        ...


def broker_client_id(order_id: uuid.UUID) -> str:
    """Return our id of an order at the broker: 36 characters, the most that every broker takes (R7)."""
    return f"{BROKER_PREFIX}{order_id.hex}"
