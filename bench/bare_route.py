"""The least a FastAPI route can do under our uvicorn settings: what the order route is compared with."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.child import child
from bench.load import Job, Sent, generate
from stack.ports import LOOPBACK, is_free
from stack.waiting import poll
from tests.support.ports import free_ports

_BODY = '{"account": "bench-1", "symbol": "F", "qty": "1"}'


class _In(BaseModel):
    account: str
    symbol: str
    qty: str


@contextmanager
def bare_route() -> Iterator[int]:
    """Serve the route in a process of its own; give its port."""
    (port,) = free_ports(1)
    with child("bench.bare_route", str(port)):
        if not poll(lambda: not is_free(port), seconds=20):
            raise RuntimeError("the bare route did not start")
        yield port


def call_bare_route(port: int, *, rate: float, count: int) -> Sent:
    """Send so many requests in an open loop of `rate` a second."""
    return generate(Job(port, "/", [_BODY] * count, rate=rate))


def main(port: int) -> None:
    """Serve until SIGTERM, with the settings of api/__main__.py."""
    app = FastAPI()

    @app.post("/", status_code=202)
    def accept(body: _In) -> dict[str, str]:
        return {"order_id": "0", "symbol": body.symbol, "status": "requested"}

    uvicorn.run(
        app,
        host=LOOPBACK,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
