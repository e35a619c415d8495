"""Says which rows seals are about: those of their transactions, in their epoch."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from domain.seals import Seal
from reports.trail import Stretch

Trail = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Epoch:
    """A count of transactions: rows recorded from `began_at` until the next one's belong to it."""

    number: int
    began_at: dt.datetime


def read_epochs(trail: Trail) -> Sequence[Epoch]:
    """Return every epoch that has a seal, in their order."""
    rows = trail.execute(_EPOCHS).fetchall()
    return [Epoch(*row) for row in rows]  # type: ignore[arg-type]  # a bigint and a time


def stretch(first: Seal, last: Seal, epochs: Sequence[Epoch]) -> Stretch:
    """Return the rows that these seals of one epoch, and those between them, are about."""
    ends = [epoch.began_at for epoch in epochs if epoch.number > first.epoch]
    return Stretch(
        from_xid=first.from_xid,
        to_xid=last.to_xid,
        epoch_began_at=first.epoch_began_at,
        epoch_ended_at=min(ends, default=None),
    )


# one look into the index per epoch: there are few of them and millions of seals
_EPOCHS = b"""
WITH RECURSIVE found (epoch, began_at) AS (
  (SELECT epoch, epoch_began_at FROM audit.seals ORDER BY epoch LIMIT 1)
  UNION ALL
  SELECT next.epoch, next.epoch_began_at
    FROM found, LATERAL (SELECT s.epoch, s.epoch_began_at FROM audit.seals s
                          WHERE s.epoch > found.epoch ORDER BY s.epoch LIMIT 1) next
)
SELECT epoch, began_at FROM found ORDER BY epoch
"""
