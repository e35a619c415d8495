"""Buy every short back at once, where that is what shorts are for (`sell_module.shorts: cover`)."""

from domain.exits import ExitReason, ExitRules, Mark, Moment, OpenLot, ShortsMode, Trigger
from domain.orders import plain


def short_cover(lot: OpenLot, mark: Mark, _moment: Moment, rules: ExitRules) -> Trigger | None:
    """Speak for every short under `ShortsMode.COVER`."""
    if not lot.is_short or rules.shorts is not ShortsMode.COVER:
        return None
    price = plain(mark.price)
    return Trigger(ExitReason.SHORT_COVER, f"shorts are covered at once: at {price}", {"price": price})
