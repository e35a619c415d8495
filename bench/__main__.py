"""`python -m bench` (= `make bench`): figures and ratios of this machine, all of one run, printed as one table."""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

import requests
from rich.console import Console

from bench.report import raw, show
from bench.session import FULL, QUICK, measure
from bench.world import running_world
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
        with running_world(say) as world:
            figures = measure(world, QUICK if given.quick else FULL, say)
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return _INTERRUPTED
    except (StackError, RuntimeError, requests.RequestException) as error:
        console.print(f"The bench could not run: {error}", markup=False, style="red", soft_wrap=True)
        return 1
    show(figures, console, time.monotonic() - started)
    if given.json is not None:
        given.json.write_text(json.dumps(raw(figures), indent=1))
    return 0 if all(load.accounted.complete for load in figures.loads()) else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a short run of about 40 s, whose figures hold more chance"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the raw figures here")
    return parser.parse_args(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
