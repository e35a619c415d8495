"""`python -m crucible` (= `opitios crucible`): load, faults, verdict; exits with 0, 1 (wrong) or 2 (proves nothing)."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from crucible import report
from crucible.caller import Callers
from crucible.fault_plan import catalogue
from crucible.faults import Injector
from crucible.gather import gather, settle
from crucible.judge import Judge
from crucible.outcome import INVALID, Outcome
from crucible.plan import Plan, make_plan
from crucible.record import Record
from crucible.world import World, running_world
from stack.stack import StackError
from stack.waiting import Stopwatch

_INTERRUPTED = 130
_SETTLE_S = 60


def main(arguments: list[str] | None = None) -> int:
    """Run once and print the verdict."""
    given = _options(arguments)
    console, watch = Console(highlight=False, soft_wrap=True), Stopwatch()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in its background deaf to it
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with running_world(lambda text: console.print(f"  {text}", markup=False, style="dim")) as world:
            plan = make_plan(given.orders, given.faults, given.seed, _catalogue(world))
            console.print(f"plan {plan.digest}: {plan.load_s:.0f} s of load")
            injector = Injector(world)
            record, sent = asyncio.run(_drive(world, plan, injector, console))
    except KeyboardInterrupt:
        console.print("Interrupted; everything is stopped.")
        return _INTERRUPTED
    except (StackError, RuntimeError, requests.RequestException) as error:
        console.print(f"The crucible could not run: {error}", markup=False, style="red")
        return INVALID
    outcome = Outcome(plan, record, injector.hits, Judge(record).verdict(), sent, watch.seconds, _SETTLE_S)
    if given.report is not None:
        report.write(outcome, given.report)
        console.print(f"report: {given.report}", markup=False)
    if given.record is not None:
        record.save(given.record)
    for hit in outcome.idle:
        console.print(f"never struck: {hit.fault.kind} {hit.note}", markup=False, style="red")
    for violation in outcome.violations[:10]:
        console.print(f"{violation.kind}: {violation.whose}: {violation.text}", markup=False, style="red")
    console.print(outcome.line(), markup=False)
    return outcome.code


def _catalogue(world: World) -> tuple[tuple[str, str], ...]:
    """Return every fault there is: the exchange says itself which kinds it knows."""
    return catalogue(world.applications(), world.control("GET", "/faults")["kinds"])


async def _drive(world: World, plan: Plan, injector: Injector, console: Console) -> tuple[Record, int]:
    """Buy the stock, then load and faults together, then wait until everything has settled."""
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bars, console=console, disable=not console.is_terminal) as progress:
        orders = progress.add_task("orders", total=len(plan.wishes))
        faults = progress.add_task("faults", total=len(plan.faults))
        async with Callers(world.api_urls, world.token) as callers:
            opening = world.ledger()
            await _stock(world, callers, plan)
            callers.on_settled = lambda: progress.advance(orders)
            injector.on_hit = lambda: progress.advance(faults)
            async with asyncio.TaskGroup() as work:
                striking = work.create_task(injector.run(plan.faults, plan.load_s))
                await callers.load(plan)
                await callers.go_on(plan, striking)
            await callers.cancel_all()
            await settle(world, _SETTLE_S)
            return gather(world, callers, opening, injector.healed_at), callers.requests


async def _stock(world: World, callers: Callers, plan: Plan) -> None:
    """Buy what the load will sell, before anything goes wrong."""
    await asyncio.gather(*(callers.send(wish) for wish in plan.stock))
    if await settle(world, _SETTLE_S, money=False) >= _SETTLE_S:
        raise RuntimeError(f"what is to be sold could not be bought within {_SETTLE_S} s")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crucible", description=__doc__)
    parser.add_argument("--orders", type=_count, default=300, help="how many orders are asked for (300)")
    parser.add_argument("--faults", type=_count, default=30, help="how many faults strike meanwhile (30)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed and sizes: the same plan (1)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a report here, and JSON beside it")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write everything the judge saw here, as JSON")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)  # which asyncio turns into an orderly end


if __name__ == "__main__":
    sys.exit(main())
