"""After a start orders wait until their account was compared with its broker; exits ten seconds at most (R23)."""

import datetime as dt

from risk.facts import Facts
from risk.verdict import Decision, Verdict

NAME = "reconciled"
EXIT_PATIENCE = dt.timedelta(seconds=10)


def check(facts: Facts) -> Verdict:
    """Wait with `reconciling` until a reconcile that began after this process's start has finished."""
    since = facts.account.unreconciled_since
    inputs = {"unreconciled_since": None if since is None else since.isoformat()}
    if since is None:
        return Verdict(NAME, Decision.ALLOW, inputs=inputs)
    reason = f"account {facts.account.name} has not been compared with its broker since the start"
    if facts.is_exit and facts.now - since >= EXIT_PATIENCE:
        return Verdict(NAME, Decision.ALLOW, "reconciling", f"{reason}, and this is an exit", inputs, warning=True)
    return Verdict(NAME, Decision.WAIT, "reconciling", reason, inputs)
