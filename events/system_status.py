"""The `system_status` event: told to everybody once at each change, through Redis (UC-SYSTEM-002, docs/degraded.md).

The last one is kept beside the channel. Whoever tells compares with it in one step, so that two that notice the same
change are one event, and a start that finds everything as it was is none.
"""

import datetime as dt
import json
from collections.abc import Collection

import redis

from config.redis_names import SYSTEM_STATUS, SYSTEM_STATUS_CHANNEL
from domain.system_status import Trouble, message_of, parts_of

_PATIENCE_S = 1.0
_SPACED_MS = 10_000  # what is told again was told by the other one if it is younger

_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local is_new = (redis.call('HGET', KEYS[1], 'state') or '') ~= ARGV[1]
local told_at = tonumber(redis.call('HGET', KEYS[1], 'told_at') or 0)
if not is_new and not (ARGV[4] == 'again' and now - told_at > tonumber(ARGV[5])) then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'event', ARGV[2], 'told_at', now)
redis.call('PUBLISH', ARGV[3], ARGV[2])
return 1
"""


class StatusChannel:
    """Publishes how everything stands."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S)
        self._script = self._redis.register_script(_SCRIPT)

    def tell(self, troubles: Collection[Trouble], *, since: dt.datetime, trace_id: str, again: bool = False) -> bool:
        """Publish unless that was the last word already; False while Redis is away.

        `again` is for Redis' own return: its loss could not be told, so the word before may be the same.
        """
        state = " ".join(f"{trouble.kind}:{trouble.subject}" for trouble in sorted(troubles))
        event = {
            "type": "system_status",
            "status": "degraded" if troubles else "operational",
            "message": message_of(troubles),
            "parts": parts_of(troubles),
            "since": since.isoformat(),
            "trace_id": trace_id,
        }
        step = "again" if again else ""
        try:
            self._script([SYSTEM_STATUS], [state, json.dumps(event), SYSTEM_STATUS_CHANNEL, step, _SPACED_MS])
        except redis.RedisError:
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
