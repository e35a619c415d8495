"""What an alert is: something a person must know, however it reaches them."""

from enum import StrEnum


class Severity(StrEnum):
    """How urgent: a warning can wait for the morning, a critical alert cannot."""

    WARNING = "warning"
    CRITICAL = "critical"
