"""Close an option before the close of its last day: what is held at expiration is exercised or worth nothing.

The day is the market's own and the close the real one, early closes included. An option that expires on a day without a
session trades last in the session before.
"""

import datetime as dt

from domain.exits import ExitReason, ExitRules, Mark, Moment, OpenLot, Session, Trigger
from domain.occ import parse_occ


def zero_day(lot: OpenLot, _mark: Mark, moment: Moment, rules: ExitRules) -> Trigger | None:
    """Speak from `zero_day_before_close` before the close on, until the close."""
    before, session = rules.zero_day_before_close, moment.session
    contract = parse_occ(lot.symbol)
    if before is None or session is None or contract is None or not moment.is_within(before):
        return None
    if not _is_last(session, contract.expiration):
        return None
    expires, closes = contract.expiration.isoformat(), session.closes.isoformat()
    return Trigger(
        ExitReason.ZERO_DAY,
        f"expires on {expires} and trades until {closes}: closed from {before} before that",
        {"expiration": expires, "closes": closes, "before_close_s": str(before.total_seconds())},
    )


def _is_last(session: Session, expiration: dt.date) -> bool:
    """Return whether an option has no session after this one, but has this one."""
    if session.next_day is None:
        return expiration == session.day
    return session.day <= expiration < session.next_day
