"""One run over the record: written to by many at once, sealed, verified; then a year of it, asked and exported.

What is sealed is a month of a million events, which is all that a writer or the sealer touches. The eleven months
before it come afterwards: sealing them too would take longer than everything else.
"""

import datetime as dt
from dataclasses import dataclass

from bench.record.export import Exported, export_csv
from bench.record.fill import fill_months_before, fill_this_month, prepare, settle
from bench.record.inserts import WRITERS, copy_bare, inserts_per_s
from bench.record.questions import Asked, ask
from bench.record.sealing import Sealed, Sealer, all_sealed, sealing, verify
from bench.record.server import Server, record_server
from bench.world import Say


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """How much is measured: events in all and of them sealed, pairs of runs and their seconds, askings, rows of CSV."""

    events: int
    sealed: int
    pairs: int
    run_s: int
    askings: int
    csv_rows: int


FULL = RecordPlan(events=10_000_000, sealed=1_000_000, pairs=9, run_s=8, askings=44, csv_rows=1_000_000)
QUICK = RecordPlan(events=1_000_000, sealed=100_000, pairs=3, run_s=3, askings=22, csv_rows=100_000)


@dataclass(frozen=True, slots=True)
class Pair:
    """Orders stored a second: into bare tables, and into the record while it is sealed."""

    bare: float
    record: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFigures:
    """Everything that was measured; `machine` is what it holds for, `verify_s` is for all that is sealed."""

    plan: RecordPlan
    machine: dict[str, str]
    pairs: list[Pair]
    sealed: Sealed
    verify_s: float
    asked: list[Asked]
    csv: Exported


def measure_record(plan: RecordPlan, say: Say) -> RecordFigures:
    """Run the plan on a server of its own. RuntimeError when something of it fails, or a seal does not hold."""
    now = dt.datetime.now(dt.UTC)
    with record_server() as server:
        pairs, sealed = _sealed_month(server, plan, now, say)
        say(f"verifying {sealed.counted:,} events")
        verify_s = verify(server)
        say(f"{plan.events - plan.sealed:,} events of the months before are made")
        fill_months_before(server, plan.events - plan.sealed, now, beyond=plan.sealed)
        say("vacuum and analyze")
        settle(server)
        say(f"{plan.askings} times each question")
        asked = ask(server, plan.askings, now)
        say(f"a CSV of {plan.csv_rows:,} rows")
        csv = export_csv(server, plan.csv_rows, now)
        return RecordFigures(
            plan=plan,
            machine=server.machine(),
            pairs=pairs,
            sealed=sealed,
            verify_s=verify_s,
            asked=asked,
            csv=csv,
        )


def _sealed_month(server: Server, plan: RecordPlan, now: dt.datetime, say: Say) -> tuple[list[Pair], Sealed]:
    say(f"{plan.sealed:,} events of this month are made")
    prepare(server)
    fill_this_month(server, plan.sealed, now)
    with sealing(server) as sealer:
        say("sealing them")
        all_sealed(server)
        copy_bare(server)
        _pair(server, sealer, 1)  # warms it up
        pairs = []
        for number in range(1, plan.pairs + 1):
            say(f"pair {number}: {WRITERS} writers, {plan.run_s} s bare and {plan.run_s} s sealed")
            pairs.append(_pair(server, sealer, plan.run_s))
        return pairs, all_sealed(server)


def _pair(server: Server, sealer: Sealer, seconds: int) -> Pair:
    with sealer.standing_still():
        bare = inserts_per_s(server, bare=True, seconds=seconds)
    return Pair(bare, inserts_per_s(server, bare=False, seconds=seconds))
