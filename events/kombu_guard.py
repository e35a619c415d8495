"""Two things of kombu 5.7's Redis channel set right; tests notice when it needs them no more (decisions 0005, 0008).

**A worker outlives Redis.** A task acknowledges late, so its message still hangs on the channel that was lost. Celery
then asks that channel to give the message back, and later to acknowledge it. The channel opens a new client from a
connection it no longer has, and the AttributeError passes every handler that waits for a connection error: the worker
ends as `Unrecoverable error`.

**One client a channel.** Every publish and every acknowledgement made a client of its own, for the same pool, and each
copied a table of a hundred and more callbacks: a twelfth of a worker's time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from kombu.transport.redis import Channel

_MARK = "opitios_guarded"
_KEPT = "opitios_client"


def install() -> None:
    """Replace the two methods; once a process."""
    if hasattr(Channel._connparams, _MARK):  # noqa: SLF001  where every new client of a channel gets its address
        return
    _replace("_connparams", _connparams_of_a_living_channel())
    _replace("conn_or_acquire", _one_client)


def _connparams_of_a_living_channel() -> Any:
    """Let a channel without a connection raise redis' ConnectionError, which its callers expect.

    The acknowledgement then fails as with any lost connection, and the message comes back after the visibility
    timeout: a doubled hint, which is harmless.
    """
    original = Channel._connparams  # noqa: SLF001

    def connparams(channel: Any, *args: Any, **options: Any) -> Any:
        if getattr(channel.connection, "client", None) is None:
            raise redis.ConnectionError("this channel has lost its connection to Redis")
        return original(channel, *args, **options)  # type: ignore[no-untyped-call]  # kombu types half of itself

    return connparams


@contextmanager
def _one_client(channel: Any, client: Any = None) -> Iterator[Any]:
    """Give the client that was given, else the channel's own: as long as its pool is the same."""
    if client is None:
        pool = channel.pool
        kept = getattr(channel, _KEPT, None)
        if kept is None or kept.connection_pool is not pool:
            kept = channel._create_client()  # noqa: SLF001
            setattr(channel, _KEPT, kept)
        client = kept
    yield client


def _replace(name: str, method: Any) -> None:
    setattr(method, _MARK, True)
    setattr(Channel, name, method)
