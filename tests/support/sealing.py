"""Seals the trail of a test's database, as little as a test of packs and archives needs of a sealer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.clock import SYSTEM_CLOCK
from domain.seals import FIRST_PREVIOUS, FORMAT, FORMATS, Part, Seal
from reports.trail import Stretch, lines_of, open_trail

_KEY = Ed25519PrivateKey.generate()  # one for every test that seals the same database
_BEGAN = SYSTEM_CLOCK.now().replace(year=2000)
_LAST = "SELECT seal_no, to_xid, hash, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, epoch_began_at FROM "


@dataclass
class Sealer:
    """Seals what is there as the superuser, with a key of its own, and keeps checkpoints where it is told to."""

    url: str
    checkpoints: Path | None = None
    key: Ed25519PrivateKey = _KEY

    @property
    def public(self) -> str:
        """The key to verify with, in hexadecimal digits."""
        return self.key.public_key().public_bytes_raw().hex()

    def seal(self) -> int:
        """Seal everything that has been committed; return the seal's number."""
        with open_trail(self.url) as trail:
            ends = "(SELECT * FROM audit.seals ORDER BY seal_no DESC LIMIT 1) s RIGHT JOIN (SELECT 1) one ON true"
            (row,) = trail.execute((_LAST + ends).encode()).fetchall()
            number, since, previous, horizon, began = (row[0] or 0, row[1] or 0, row[2], row[3], row[4] or _BEGAN)
            stretch: Any = Stretch(from_xid=since, to_xid=horizon, epoch_began_at=began)
            parts = [
                Part.of(name, lines) for table in FORMATS[FORMAT] for name, lines in lines_of(trail, table, stretch)
            ]
            seal = Seal(
                seal_no=number + 1,  # what the database says is a number
                format=FORMAT,
                epoch=1,
                epoch_began_at=stretch.epoch_began_at,
                from_xid=stretch.from_xid,
                to_xid=stretch.to_xid,
                parts=tuple(sorted(parts)),
                previous_hash=previous or FIRST_PREVIOUS,  # bytes
                key_id=self.public[:16],
                host="test",
                sealed_at=SYSTEM_CLOCK.now(),
            )
            self._write(trail, seal)
        return seal.seal_no

    def _write(self, trail: Any, seal: Seal) -> None:
        said = json.loads(seal.header())
        signature = self.key.sign(seal.signed)
        values = said | {"row_count": said.pop("rows"), "parts": json.dumps(said["parts"]), "signature": signature}
        values |= {"root": seal.root, "previous_hash": seal.previous_hash, "hash": seal.hash}
        names = ", ".join(values)
        places = ", ".join(f"%({name})s" for name in values)
        trail.execute(f"INSERT INTO audit.seals ({names}) VALUES ({places})", values)  # noqa: S608  ours
        if self.checkpoints is not None:
            line = {"seal_no": seal.seal_no, "hash": seal.hash.hex(), "signature": signature.hex()}
            with self.checkpoints.open("a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")
