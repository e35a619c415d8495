"""Who did something and where: rides on every audit row."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """`actor` is a user or a process, `host` the machine, `process` its process name."""

    actor: str
    host: str
    process: str
