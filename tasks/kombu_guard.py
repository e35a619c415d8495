"""Keeps a worker alive when Redis goes away under a running task; kombu 5.7 lets it exit (docs/decisions/0005).

A task acknowledges late, so its message still hangs on the channel that was lost. Celery then asks that channel to give
the message back, and later to acknowledge it. The channel opens a new client from a connection it no longer has, and
the AttributeError passes every handler that waits for a connection error: the worker ends as `Unrecoverable error`.
"""

from typing import Any

import redis
from kombu.transport.redis import Channel

_MARK = "opitios_guarded"


def install() -> None:
    """Let a channel without a connection raise redis' ConnectionError, which its callers expect; once a process.

    The acknowledgement then fails as with any lost connection, and the message comes back after the visibility
    timeout: a doubled hint, which is harmless.
    """
    original = Channel._connparams  # noqa: SLF001  where every new client of a channel gets its address
    if hasattr(original, _MARK):
        return

    def connparams(channel: Any, *args: Any, **options: Any) -> Any:
        if getattr(channel.connection, "client", None) is None:
            raise redis.ConnectionError("this channel has lost its connection to Redis")
        return original(channel, *args, **options)  # type: ignore[no-untyped-call]  # kombu types half of itself

    setattr(connparams, _MARK, True)
    setattr(Channel, "_connparams", connparams)  # noqa: B010  a method is replaced: the type checker objects rightly
