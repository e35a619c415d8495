"""What a rule answers: allow, deny with a reason and numbers, or wait."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Decision(StrEnum):
    """Allow sends the order, deny ends it, wait leaves it due later."""

    ALLOW = "allow"
    DENY = "deny"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's word. `inputs` are the numbers it saw, as strings, kept in the audit trail whatever the word."""

    rule: str
    decision: Decision
    reason_code: str | None = None
    reason: str | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    warning: bool = False
