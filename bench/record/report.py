"""What was measured of the record, beside the goals of the design."""

from collections.abc import Iterable

from bench.measure import median, percentile
from bench.record.export import Exported
from bench.record.inserts import WRITERS
from bench.record.measure import RecordFigures
from bench.record.questions import Asked
from bench.rows import Row

COST = 0.10
"""What sealing may cost writers of their throughput, partitions and triggers included."""
VERIFY_S = 25
"""For a million events."""
CSV_ROWS, CSV_S = 1_000_000, 20
CSV_MB = 200


def record_rows(figures: RecordFigures) -> list[Row]:
    """Return the lines of the record's table."""
    asked = [_asked_row(asked) for asked in figures.asked]
    return [*asked, *_csv_rows(figures.csv), *_verify_rows(figures), *_writer_rows(figures), _once_row(figures)]


def record_note(figures: RecordFigures) -> str:
    """Return what the figures hold for."""
    plan, machine = figures.plan, figures.machine
    return (
        f"{plan.events:,} events of twelve months and 100 accounts, of which this month's {plan.sealed:,} and what the "
        "writers wrote are sealed; asked as compliance_ro, planning and fetching included, each for another account "
        "and day, twice: the first time its pages have to be found. "
        f"{machine['cores']} cores, Python {machine['python']}, Postgres {machine['postgres']} with the settings of "
        "the embedded server."
    )


def _asked_row(asked: Asked) -> Row:
    p95, goal = percentile(asked.ms, 95), asked.question.goal_ms
    what = f"{asked.question.what}, p50 / p95"
    first = ""
    if asked.first_ms:
        first = f"; the first time {median(asked.first_ms):.1f} / {percentile(asked.first_ms, 95):.1f}"
    figure = f"{median(asked.ms):.1f} / {p95:.1f} ms, {median(asked.rows):.0f} rows{first}"
    return Row(what, figure) if goal is None else Row(what, figure, f"p95 <= {goal:g} ms", p95 <= goal)


def _csv_rows(csv: Exported) -> Iterable[Row]:
    what, figure = f"CSV of {csv.rows:,} rows, {csv.size / 1e6:.0f} MB", f"{csv.seconds:.1f} s"
    if csv.rows < CSV_ROWS:  # the start of the command would count too much
        yield Row(what, figure)
    else:
        yield Row(what, figure, f"<= {CSV_S} s", csv.seconds <= CSV_S)
    yield Row("  peak memory of the command", f"{csv.peak_mb:.0f} MB", f"<= {CSV_MB} MB", csv.peak_mb <= CSV_MB)


def _verify_rows(figures: RecordFigures) -> Iterable[Row]:
    counted, seconds = figures.sealed.counted, figures.verify_s
    of_a_million = seconds * 1_000_000 / counted
    yield Row(f"verifying {counted:,} events", f"{seconds:.1f} s")
    yield Row("  for a million events", f"{of_a_million:.1f} s", f"<= {VERIFY_S} s", of_a_million <= VERIFY_S)


def _writer_rows(figures: RecordFigures) -> Iterable[Row]:
    ratios = [pair.record / pair.bare for pair in figures.pairs]
    bare, record = (
        median(values) for values in zip(*((pair.bare, pair.record) for pair in figures.pairs), strict=True)
    )
    yield Row(f"orders stored a second, {WRITERS} writers, bare tables", f"{bare:.0f}")
    yield Row("  into the record, while it is sealed", f"{record:.0f}")
    figure = f"{median(ratios):.2f} ({min(ratios):.2f} - {max(ratios):.2f})"
    yield Row("  record / bare, pair by pair", figure, f">= {1 - COST:.2f}", round(median(ratios), 2) >= 1 - COST)


def _once_row(figures: RecordFigures) -> Row:
    sealed = figures.sealed
    figure = f"{sealed.written:,} written, {sealed.counted:,} sealed"
    return Row("every event sealed exactly once", figure, "all, once", sealed.once)
