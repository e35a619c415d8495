"""The report of a run: Markdown for people, and beside it the same as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from crucible.judge import KINDS
from crucible.outcome import Outcome

_MOST_SHOWN = 50
_MEANS = {
    "lost": "acknowledged, and neither at the exchange nor ended with a reason",
    "doubled": "two orders at the exchange for one wish, or one that no row knows",
    "unsettled": "not ended in time after the last fault",
    "status": "ended differently here and there",
    "fills": "executions missed, doubled or of another price",
    "cash": "money that our fills do not explain, or a stored balance that is wrong",
    "reserved": "money held back by an order that has ended",
    "below_minimum": "placed while less than the account's minimum was free",
    "audit": "the audit trail does not lead to the order's status",
    "key": "one key answered with two orders",
}


def write(outcome: Outcome, path: Path) -> None:
    """Write the Markdown to `path` and the figures to the same name with `.json`."""
    path.write_text("\n".join(_markdown(outcome)) + "\n", encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(_figures(outcome), indent=1), encoding="utf-8")


def _figures(outcome: Outcome) -> dict[str, object]:
    return {
        "verdict": outcome.line(),
        "code": outcome.code,
        "plan": outcome.plan.digest,
        "seconds": round(outcome.took_s, 1),
        "requests": outcome.requests,
        "statuses": Counter(order["status"] for order in outcome.record.orders),
        "settle_s": {
            "orders": len(outcome.settle_s),
            "p50": outcome.settled_within(0.5),
            "p99": outcome.settled_within(0.99),
            "max": outcome.settled_within(1),
        },
        "faults": [
            {
                "kind": hit.fault.kind,
                "fired": hit.fired,
                "began_s": round(hit.began_s, 1),
                "healed_s": round(hit.healed_s, 1),
                "note": hit.note,
            }
            for hit in outcome.hits
        ],
        "violations": [
            {"kind": one.kind, "whose": one.whose, "text": one.text, "timeline": one.timeline}
            for one in outcome.violations
        ],
    }


def _markdown(outcome: Outcome) -> Iterator[str]:
    plan, record = outcome.plan, outcome.record
    yield from ("# Crucible", "", f"`{outcome.line()}`", "")
    acknowledged = sum(1 for asked in record.asked if asked.order_ids)
    refused = sum(1 for asked in record.asked if asked.refused)
    yield f"Plan {plan.digest}, {outcome.took_s:.0f} s in all, the load {plan.load_s:.0f} s of it."
    yield f"{len(record.asked)} orders were asked for with {outcome.requests} requests;"
    yield f"{acknowledged} were acknowledged, {refused} refused, "
    yield f"{len(record.asked) - acknowledged - refused} never answered."
    yield from ("", "## What must not be", "")
    yield from _table(("what", "found", "meaning"), [(kind, outcome.found[kind], _MEANS[kind]) for kind in KINDS])
    yield from ("", "## How orders ended", "")
    ended = Counter((order["status"], order["reason_code"] or "") for order in record.orders)
    yield from _table(("status", "reason", "orders"), [(*key, number) for key, number in sorted(ended.items())])
    if any(status == "unknown" for status, _ in ended):
        yield from ("", "Unknown: cancelled before anybody knew, not at the exchange, looked for during a day (R12).")
    yield from ("", "## After the last fault", "")
    yield from _table(
        ("orders still open", "p50", "p99", "last"),
        [(len(outcome.settle_s), *(f"{outcome.settled_within(share):.1f} s" for share in (0.5, 0.99, 1)))],
    )
    yield from ("", "## Faults", "")
    rows = sorted(outcome.hits, key=lambda hit: hit.began_s)
    yield from _table(
        ("at", "until", "fault", "struck", "note"),
        [(f"{hit.began_s:.1f} s", f"{hit.healed_s:.1f} s", hit.fault.kind, hit.fired, hit.note) for hit in rows],
    )
    yield from _violations(outcome)


def _violations(outcome: Outcome) -> Iterator[str]:
    if not outcome.violations:
        return
    yield from ("", "## What is wrong", "")
    for violation in outcome.violations[:_MOST_SHOWN]:
        yield from (f"### {violation.kind}: {violation.whose}", "", violation.text, "")
        yield from (f"    {line}" for line in violation.timeline)
        yield ""
    if len(outcome.violations) > _MOST_SHOWN:
        yield f"{len(outcome.violations) - _MOST_SHOWN} more stand in the JSON."


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(str(cell).replace('|', '/').replace(chr(10), ' ') for cell in row)} |"
