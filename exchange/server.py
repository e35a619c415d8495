"""One running exchange: both ports on one loop, from the journal's replay to the stop signal."""

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from exchange.account_form import load_accounts
from exchange.alpaca_routes import routes
from exchange.clock import http_date
from exchange.control import control_app
from exchange.engine import Engine
from exchange.gate import Gate
from exchange.journal import Journal
from exchange.matching import Matcher
from exchange.world import World

_LOG = logging.getLogger("exchange")
_STOP_S = 0.3
_KEEP_ALIVE_S = 600


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, read; with `control_token` the control port listens on `host`, else on loopback alone."""

    host: str
    port: int
    control_port: int
    data: Path
    accounts: Path
    control_token: str | None


class PortTakenError(Exception):
    """A port cannot be listened on; the message stands alone on one line."""


async def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT; JournalError, FieldError, OSError or PortTakenError when it cannot start."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with contextlib.closing(Journal(options.data)) as journal:
        world = _world(journal, options.accounts, stopping)
        async with contextlib.AsyncExitStack() as stack:
            control_host = "127.0.0.1" if options.control_token is None else options.host
            brokers = web.Application(middlewares=[Gate(world).admit])
            brokers.on_response_prepare.append(_tell_time)
            brokers.add_routes(routes(world))
            await _listen(stack, brokers, options.host, options.port)
            await _listen(stack, control_app(world, options.control_token), control_host, options.control_port)
            world.matcher.resume()
            accounts = len(world.engine.book.accounts)
            _LOG.info(
                "started on %s:%d, control %d, %d accounts", options.host, options.port, options.control_port, accounts
            )
            await stopping.wait()
        _LOG.info("stopped")


def _world(journal: Journal, accounts: Path, stopping: asyncio.Event) -> World:
    engine = Engine(journal)
    load_accounts(engine, accounts)
    return World(engine, Matcher(engine, asyncio.get_running_loop().call_later), stopping)


async def _tell_time(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Date"] = http_date()


async def _listen(stack: contextlib.AsyncExitStack, app: web.Application, host: str, port: int) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S, keepalive_timeout=_KEEP_ALIVE_S)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise PortTakenError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
