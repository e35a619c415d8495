"""A sealer for the bench alone, until the house has one: `python -m bench.record.stand_in` seals until SIGTERM."""

import datetime as dt
import signal
import threading
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg.types.json import Jsonb

from bench.record.server import Connection
from config.settings import load_settings
from domain.seals import FIRST_PREVIOUS, FORMAT, FORMATS, Part, Seal
from reports.trail import Stretch, lines_of, open_trail

_INTERVAL_S = 5
_EPOCH_BEGAN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_LAST = "SELECT seal_no, to_xid, hash FROM audit.seals ORDER BY seal_no DESC LIMIT 1"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_SEAL = """
INSERT INTO audit.seals (seal_no, format, epoch, epoch_began_at, from_xid, to_xid, row_count, parts, root,
                         previous_hash, hash, signature, key_id, host, sealed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def main() -> None:
    """Seal until SIGTERM."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    key = Ed25519PrivateKey.generate()
    with open_trail(load_settings().migrations_database_url.get_secret_value()) as trail:
        while not ended.is_set():
            _seal(trail, key)
            ended.wait(_INTERVAL_S)


def verify(url: str) -> None:
    """Recompute every seal's roots from the rows. RuntimeError when one does not hold."""
    with open_trail(url) as trail:
        seals: list[Any] = trail.execute(
            "SELECT seal_no, from_xid, to_xid, parts FROM audit.seals ORDER BY seal_no"
        ).fetchall()
        for seal_no, from_xid, to_xid, said in seals:
            if _said(_parts(trail, from_xid, to_xid)) != said:
                raise RuntimeError(f"seal {seal_no} does not hold")


def _seal(trail: Connection, key: Ed25519PrivateKey) -> None:
    last: Any = trail.execute(_LAST).fetchone() or (0, 0, FIRST_PREVIOUS)
    number, from_xid, previous = last
    horizon: Any = trail.execute(_HORIZON).fetchone()
    to_xid = horizon[0]
    parts = _parts(trail, from_xid, to_xid)
    seal = Seal(
        seal_no=number + 1,
        format=FORMAT,
        epoch=1,
        epoch_began_at=_EPOCH_BEGAN,
        from_xid=from_xid,
        to_xid=to_xid,
        parts=parts,
        previous_hash=previous,
        key_id="bench",
        host="bench",
        sealed_at=dt.datetime.now(dt.UTC),
    )
    values = (seal.seal_no, seal.format, seal.epoch, seal.epoch_began_at, from_xid, to_xid, seal.row_count)
    hashes = (seal.root, previous, seal.hash, key.sign(seal.signed), seal.key_id, seal.host, seal.sealed_at)
    trail.execute(_SEAL, (*values, Jsonb(_said(parts)), *hashes))


def _parts(trail: Connection, from_xid: int, to_xid: int) -> tuple[Part, ...]:
    stretch = Stretch(from_xid=from_xid, to_xid=to_xid, epoch_began_at=_EPOCH_BEGAN)
    tables = FORMATS[FORMAT]
    return tuple(sorted(Part.of(name, lines) for table in tables for name, lines in lines_of(trail, table, stretch)))


def _said(parts: tuple[Part, ...]) -> list[dict[str, object]]:
    return [{"name": part.name, "rows": part.rows, "root": part.root.hex()} for part in parts]


if __name__ == "__main__":
    main()
