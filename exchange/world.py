"""Everything the two ports share: the books, the matcher, and what is counted and broken on purpose."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from weakref import WeakSet

from aiohttp import web

from exchange.engine import Engine
from exchange.faults import Faults
from exchange.matching import Matcher
from exchange.ratelimit import RateLimiter
from exchange.state import Account
from exchange.streams import Streams

STREAM_PATH = "/stream"
ACCOUNT: web.RequestKey[Account] = web.RequestKey("account", Account)
RECEIVED_US: web.RequestKey[int] = web.RequestKey("received_us", int)
"""When the request's body had arrived, microseconds since the epoch."""
BODY: web.RequestKey[object] = web.RequestKey("body", object)
"""The parsed body of a new order or a replacement, None when it is no JSON."""
UNANSWERED: web.RequestKey[bool] = web.RequestKey("unanswered", bool)
"""A fault took the request that leaves its client without a status."""
CLIENT_ORDER_ID: web.RequestKey[str] = web.RequestKey("client_order_id", str)


@dataclass(slots=True)
class World:
    """One running exchange."""

    engine: Engine
    matcher: Matcher
    stopping: asyncio.Event
    limiter: RateLimiter = field(default_factory=RateLimiter)
    faults: Faults = field(default_factory=Faults)
    requests: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Requests by account, method, route and status (or the fault's kind where nobody was answered)."""
    served: WeakSet[asyncio.BaseTransport] = field(default_factory=WeakSet)
    """The connections that have brought a request: the next one reuses them."""
    streams: Streams = field(init=False)

    def __post_init__(self) -> None:
        """Let the streams follow the books."""
        self.streams = Streams(self.engine)
