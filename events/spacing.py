"""At most one of the same hint in a while: the first leaves at once, one more when the while is over."""

from domain.clock import Clock

Hint = tuple[str, tuple[str, ...]]
"""A task's name and its arguments."""


class Spacing:
    """Keeps equal hints apart; what came within the pause becomes one hint at its end. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._free_at: dict[Hint, float] = {}
        self._kept: dict[Hint, int] = {}

    def admit(self, hint: Hint, pause_ms: int) -> bool:
        """Return whether the hint may leave now and begin a pause; if not, it is kept for `due`."""
        now = self._clock.monotonic_ms()
        if now < self._free_at.get(hint, now):
            self._kept[hint] = pause_ms
            return False
        self._free_at[hint] = now + pause_ms
        return True

    def due(self) -> list[Hint]:
        """Return the kept hints whose pause is over; each begins a new one."""
        now = self._clock.monotonic_ms()
        over = [hint for hint, free_at in self._free_at.items() if free_at <= now]
        due = [hint for hint in over if hint in self._kept]
        for hint in over:
            del self._free_at[hint]
        for hint in due:
            self._free_at[hint] = now + self._kept.pop(hint)
        return due

    def kept(self) -> list[Hint]:
        """Return what is kept, due or not, and keep it no longer."""
        kept, self._kept = self._kept, {}
        return list(kept)

    def wait_s(self) -> float | None:
        """Return the seconds until the next kept hint is due, None without one."""
        if not self._kept:
            return None
        next_ms = min(self._free_at[hint] for hint in self._kept)
        return max(0.0, (next_ms - self._clock.monotonic_ms()) / 1000)
