"""The same seed is the same run: plan and pure core depend on nothing else."""

import os
import random  # noqa: TID251  what a plan is made of
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from crucible.fault_plan import STOP, catalogue, plan_faults
from crucible.plan import RICH, one_more
from tests.crucible.rehearsal import KINDS, PROCESSES, digest, plan

ROOT = Path(__file__).parents[2]


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(7) == plan(7)
    assert plan(7).digest == plan(7).digest


def test_another_seed_or_size_gives_another_plan() -> None:
    assert len({plan(7).digest, plan(8).digest, plan(7, orders=301).digest, plan(7, faults=31).digest}) == 4


def test_a_plan_stays_what_it_was_from_one_process_to_the_next() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "from tests.crucible.rehearsal import plan; print(plan(7).digest)"],
        env=os.environ | {"PYTHONHASHSEED": "3", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == plan(7).digest


@pytest.mark.parametrize("seed", [1, 2])
def test_the_pure_core_gives_the_same_events_for_the_same_seed(seed: int) -> None:
    command = [sys.executable, "-m", "tests.crucible.rehearsal", str(seed)]
    environ = os.environ | {"PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)}
    again = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert again.stdout == digest(seed)


def test_another_seed_gives_other_events() -> None:
    assert digest(1) != digest(2)


def test_no_two_wishes_of_an_account_have_the_same_terms() -> None:
    made = plan(7)
    names = ("symbol", "side", "qty")
    every = (*made.wishes, *made.stock)
    terms = Counter((wish.account, *(wish.terms[name] for name in names)) for wish in every)
    assert max(terms.values()) == 1


def test_wishes_beyond_the_plan_have_terms_of_their_own() -> None:
    terms = Counter((wish.account, *wish.terms.values()) for wish in (one_more(7, number) for number in range(100)))
    assert max(terms.values()) == 1
    assert not {wish.terms["symbol"] for wish in plan(7).wishes} & {one_more(7, 0).terms["symbol"]}


def test_what_is_sold_was_bought_before() -> None:
    made = plan(7)
    held = {(wish.account, wish.terms["symbol"]): int(wish.terms["qty"]) for wish in made.stock}
    sold = Counter[tuple[str, str]]()
    for wish in made.wishes:
        if wish.terms["side"] == "sell":
            sold[wish.account, wish.terms["symbol"]] += int(wish.terms["qty"])
    assert dict(sold) == held
    assert {account for account, _ in sold} <= set(RICH)


def test_faults_are_spread_over_the_load_and_every_kind_comes_first_once() -> None:
    faults = plan(7, faults=60).faults
    moments = [fault.at for fault in faults]
    assert moments == sorted(moments)
    assert max(after - before for before, after in zip([0, *moments], [*moments, 1], strict=True)) < 3 / 60
    assert len({fault.kind for fault in faults}) == len(catalogue(PROCESSES, KINDS))


def test_a_worker_is_stopped_beyond_its_lease_in_the_first_half() -> None:
    (stop,) = [fault for fault in plan(7).faults if fault.kind == f"{STOP} worker-entries"]
    assert stop.seconds > 10
    assert stop.at < 0.55


def test_streams_are_broken_where_somebody_follows_them() -> None:
    kinds = ("hang", "stream_cut", "stream_new_number")
    assert ("exchange", "stream_cut") not in catalogue(PROCESSES, kinds)
    assert ("exchange", "stream_cut") in catalogue((*PROCESSES, "streams"), kinds)
    assert ("exchange", "stream_new_number") not in catalogue((*PROCESSES, "streams"), kinds)


def test_a_stream_is_refused_when_it_is_opened_again() -> None:
    known = [("exchange", "stream_refused_403"), ("exchange", "stream_cut")]
    faults = {fault.what: fault for fault in plan_faults(2, random.Random(1), known, 30)}
    assert (faults["stream_refused_403"].restarts, faults["stream_cut"].restarts) == ("streams", "")
    assert {(fault.times, fault.method) for fault in faults.values()} == {(1, "")}


def test_few_faults_are_those_that_hurt_most() -> None:
    chosen = {fault.kind for fault in plan(7, faults=18).faults}
    assert {"server postgres killed", "server redis wiped", "kill relay", "exchange hang_after"} <= chosen
