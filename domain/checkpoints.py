"""What is kept of a seal outside the database: one line of JSON that can be checked alone (R29).

Whoever has the line and the public key knows that the seal was made, and with it all seals before: the hash names them.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Self

from domain.seals import SIGNED_WITH, Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A seal's number, time (UTC), count of rows, hash, and the signature by the key `key_id`."""

    seal_no: int
    sealed_at: dt.datetime
    row_count: int
    hash: bytes
    signature: bytes
    key_id: str

    @classmethod
    def of(cls, seal: Seal, signature: bytes) -> Self:
        """Return what is kept of this seal."""
        return cls(
            seal_no=seal.seal_no,
            sealed_at=seal.sealed_at,
            row_count=seal.row_count,
            hash=seal.hash,
            signature=signature,
            key_id=seal.key_id,
        )

    @property
    def signed(self) -> bytes:
        """Return what the signature is of."""
        return SIGNED_WITH + self.hash

    @property
    def month(self) -> str:
        """Return the month of its file: `202611`."""
        return f"{self.sealed_at.astimezone(dt.UTC):%Y%m}"

    def line(self) -> bytes:
        """Return the line, with its end."""
        content = {
            "seal_no": self.seal_no,
            "sealed_at": self.sealed_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "row_count": self.row_count,
            "hash": self.hash.hex(),
            "signature": self.signature.hex(),
            "key_id": self.key_id,
        }
        return json.dumps(content, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> Self:
        """Return what a line says. Raises ValueError for one that is no checkpoint."""
        try:
            content = json.loads(line)
            sealed_at = dt.datetime.fromisoformat(content["sealed_at"])
            if sealed_at.tzinfo is None:
                raise ValueError("a checkpoint's sealed_at without its zone")
            return cls(
                seal_no=int(content["seal_no"]),
                sealed_at=sealed_at,
                row_count=int(content["row_count"]),
                hash=bytes.fromhex(content["hash"]),
                signature=bytes.fromhex(content["signature"]),
                key_id=str(content["key_id"]),
            )
        except (KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a checkpoint: {type(error).__name__}") from None
