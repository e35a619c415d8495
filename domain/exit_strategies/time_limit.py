"""Close what has been held for as long as anything may be (`sell_module.position_time_limit`)."""

from domain.exits import ExitReason, ExitRules, Mark, Moment, OpenLot, Trigger


def time_limit(lot: OpenLot, _mark: Mark, moment: Moment, rules: ExitRules) -> Trigger | None:
    """Speak when `max_hold` is over since the lot's first fill, the limit itself included."""
    limit = rules.max_hold
    if limit is None or moment.now - lot.opened_at < limit:
        return None
    opened = lot.opened_at.isoformat()
    return Trigger(
        ExitReason.TIME_LIMIT,
        f"held since {opened}: the limit is {limit}",
        {"opened_at": opened, "max_hold_s": str(limit.total_seconds())},
    )
