"""The documented text line of a broker operation (TRD-001, FR-005)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One attempt in numbers: `size` as OrderTerms gives it, durations in ms; `error` is None for a success."""

    side: str
    symbol: str
    size: str
    order_id: str | None
    total_ms: float  # float: milliseconds
    network_ms: float | None  # float: milliseconds
    account: str
    account_type: str
    source: str
    error: str | None = None

    @property
    def success(self) -> bool:
        """Whether the attempt did what it was meant to."""
        return self.error is None

    def text(self) -> str:
        """Return the line without stamp and level.

        `Order placed: BUY AAPL qty=100 | order_id=... | duration=245ms | success=true | account=... account_type=paper
        network=198ms source=api`; a failure says `Order failed: ...` and `error=...` instead of `success=true`.
        """
        word = "placed" if self.success else "failed"
        head = f"Order {word}: {safe(self.side.upper())} {safe(self.symbol)} qty={self.size}"
        parts = [head]
        if self.order_id is not None:
            parts.append(f"order_id={self.order_id}")
        parts.append(f"duration={self.total_ms:.0f}ms")
        parts.append("success=true" if self.success else f"error={safe(self.error or '')}")
        network = "-" if self.network_ms is None else f"{self.network_ms:.0f}ms"
        where = f"account={_word(self.account)} account_type={self.account_type}"
        parts.append(f"{where} network={network} source={_word(self.source)}")
        return " | ".join(parts)


def _word(value: str) -> str:
    """Return a text that stands among others in one field: a space would begin the next one."""
    return safe(value).replace(" ", "?")


def safe(value: str) -> str:
    """Return a caller's text so that it can forge neither a line nor a field: no control characters, no bars."""
    return "".join(char if char.isprintable() and char != "|" else "?" for char in value)
