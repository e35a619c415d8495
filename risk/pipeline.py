"""All pre-trade rules over one set of facts: the first that denies decides, then the first that waits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from risk.facts import Facts
from risk.rules import (
    account_enabled,
    account_type,
    endpoint,
    minimum_balance,
    place_before,
    price,
    reconciled,
    reduce_only,
    replaced,
    trail,
)
from risk.verdict import Decision, Verdict

Rule = Callable[[Facts], Verdict]

PRE_TRADE: tuple[Rule, ...] = (
    place_before.check,
    account_enabled.check,
    endpoint.check,
    trail.check,
    account_type.check,
    reconciled.check,
    replaced.check,
    reduce_only.check,
    price.check,
    minimum_balance.check,
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The decision, its reason, whether anything was allowed with a warning, and what every rule saw."""

    decision: Decision
    reason_code: str | None
    reason: str | None
    checks: tuple[Verdict, ...]

    @property
    def warnings(self) -> tuple[Verdict, ...]:
        """The verdicts that allowed with a warning."""
        return tuple(verdict for verdict in self.checks if verdict.warning)

    def detail(self) -> dict[str, Any]:
        """Return every rule's decision and inputs for the audit trail."""
        return {
            verdict.rule: {"decision": verdict.decision.value, "reason_code": verdict.reason_code, **verdict.inputs}
            for verdict in self.checks
        }


def rule_on(facts: Facts, rules: Sequence[Rule] = PRE_TRADE) -> Ruling:
    """Return the ruling of all rules; every rule is asked, so that the record shows what each one saw."""
    checks = tuple(rule(facts) for rule in rules)
    for decision in (Decision.DENY, Decision.WAIT):
        for verdict in checks:
            if verdict.decision is decision:
                return Ruling(decision, verdict.reason_code, verdict.reason, checks)
    return Ruling(Decision.ALLOW, None, None, checks)
