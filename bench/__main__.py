"""`python -m bench` (= `make bench`): figures and ratios of this machine, all of one run, printed as one table."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import psycopg
import requests
from rich.console import Console

from bench import sell, session
from bench.record import measure as record
from bench.report import Measured, raw, show
from bench.world import Say, running_world
from stack.stack import StackError

_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every order is accounted for, 1 when not or when the bench could not run."""
    given = _options(arguments)
    console, started = Console(), time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)

    def say(text: str) -> None:
        console.print(
            f"{time.monotonic() - started:6.1f} s  {text}", markup=False, style="dim", highlight=False, soft_wrap=True
        )

    try:
        measured = _measure(given, say)
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return _INTERRUPTED
    except (StackError, RuntimeError, requests.RequestException, psycopg.Error) as error:
        console.print(f"The bench could not run: {error}", markup=False, style="red", soft_wrap=True)
        return 1
    show(measured, console)
    if given.json is not None:
        given.json.write_text(json.dumps(raw(measured), indent=1))
    return 0 if measured.whole() else 1


def _measure(given: argparse.Namespace, say: Say) -> Measured:
    started = time.monotonic()
    machine, orders, seller, kept = {}, None, None, None
    if given.only != "record":
        with running_world(say) as world:
            machine = world.machine()
            if given.only != "seller":
                orders = session.measure(world, session.QUICK if given.quick else session.FULL, say)
            if given.only != "orders":
                seller = sell.measure_seller(world, sell.QUICK if given.quick else sell.FULL, say)
    if given.only in {None, "record"}:
        kept = record.measure_record(record.QUICK if given.quick else record.FULL, say)
    return Measured(machine, orders, seller, kept, time.monotonic() - started)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a short run of about three minutes, whose figures hold more chance"
    )
    parser.add_argument("--only", choices=("orders", "seller", "record"), help="one part alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures here")
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
