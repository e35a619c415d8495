"""The command: python -m exchange --port 8092 --control-port 8093 --data DIR --accounts FILE [--host 127.0.0.1]."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

import uvloop

from exchange.fields import FieldError
from exchange.journal import JournalError
from exchange.server import Options, PortTakenError, serve


def main(arguments: list[str] | None = None) -> int:
    """Run an exchange; 0 after a stop signal, 1 and one line on stderr when it cannot start."""
    logging.basicConfig(stream=sys.stdout, format="%(asctime)s exchange %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    try:
        options = _options(arguments)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options))
    except (FieldError, JournalError, OSError, PortTakenError) as error:
        sys.stderr.write(f"exchange: {error}\n")
        return 1
    return 0


def _options(arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="exchange", description="A simulated exchange that speaks Alpaca's protocol.")
    parser.add_argument("--host", default="127.0.0.1", help="where the brokers' API listens")
    parser.add_argument("--port", type=int, default=8092, help="the brokers' API")
    parser.add_argument("--control-port", type=int, default=8093, help="the script's API, on loopback")
    parser.add_argument("--data", type=Path, required=True, help="directory of the journal, one process at a time")
    parser.add_argument("--accounts", type=Path, required=True, help="JSON list of accounts to open")
    parser.add_argument("--control-token-file", type=Path, help="the control port asks for this file's content")
    given = parser.parse_args(arguments)
    token = given.control_token_file.read_text().strip() if given.control_token_file else None
    return Options(given.host, given.port, given.control_port, given.data, given.accounts, token)


if __name__ == "__main__":
    sys.exit(main())
