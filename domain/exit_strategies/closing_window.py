"""Close everything that may be sold before the market closes, so that nothing is held over night."""

from domain.exits import ExitReason, ExitRules, Mark, Moment, OpenLot, Trigger


def closing_window(_lot: OpenLot, _mark: Mark, moment: Moment, rules: ExitRules) -> Trigger | None:
    """Speak from `closing_window` before the real close on, until the close."""
    window, session = rules.closing_window, moment.session
    if window is None or session is None or not moment.is_within(window):
        return None
    closes = session.closes.isoformat()
    return Trigger(
        ExitReason.CLOSING_WINDOW,
        f"the session closes at {closes}: everything is closed from {window} before that",
        {"closes": closes, "window_s": str(window.total_seconds())},
    )
