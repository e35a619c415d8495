"""Compares seals with the checkpoints that were kept of them elsewhere: what was cut off or written anew (R29)."""

from collections.abc import Iterator, Mapping

from config.seal_key import PublicKey
from domain.checkpoints import Checkpoint
from reports.findings import Kind, Verification
from reports.seals import StoredSeal


class CheckpointTrack:
    """Walks along the checkpoints while the seals go by, both in the order of their numbers."""

    def __init__(
        self,
        lines: Iterator[tuple[str, Checkpoint | None]],
        keys: Mapping[str, PublicKey],
        result: Verification,
        first_no: int,
    ) -> None:
        self._lines, self._keys, self._result, self._first_no = lines, keys, result, first_no
        self._missing: list[Checkpoint] = []  # the first and last of a run without seals
        self._missing_rows = 0
        self._head: Checkpoint | None = None
        self._advance()

    def meet(self, stored: StoredSeal) -> None:
        """Compare a seal with its checkpoint, and note those before it that have no seal."""
        number = stored.seal.seal_no
        while self._head is not None and self._head.seal_no < number:
            self._miss(self._head)
            self._advance()
        while self._head is not None and self._head.seal_no == number:
            self._compare(self._head, stored)
            self._advance()

    def end(self, *, last_no: int | None) -> None:
        """Note the checkpoints after the last seal; `last_no` ends what is looked at, None where nothing does."""
        while self._head is not None and (last_no is None or self._head.seal_no <= last_no):
            self._miss(self._head)
            self._advance()
        self._tell_missing()

    def _compare(self, kept: Checkpoint, stored: StoredSeal) -> None:
        self._result.checkpoints += 1
        self._result.last_checkpoint = kept.seal_no
        if (kept.hash, kept.signature) == (stored.hash, stored.signature):
            return  # its signature is looked at with the seal's
        if self._is_signed(kept) and kept.hash != stored.hash:
            what = f"seal {kept.seal_no} was written anew: its checkpoint has another hash"
            self._result.add(Kind.REWRITTEN, what, seal_no=kept.seal_no, last_at=kept.sealed_at)

    def _miss(self, kept: Checkpoint) -> None:
        if not self._is_signed(kept):
            return
        if self._missing and self._missing[-1].seal_no + 1 != kept.seal_no:
            self._tell_missing()
        self._missing = [*self._missing[:1], kept]
        self._missing_rows += kept.row_count

    def _tell_missing(self) -> None:
        if not self._missing:
            return
        first, last = self._missing[0], self._missing[-1]
        named = f"seal {first.seal_no}" if first is last else f"seals {first.seal_no} to {last.seal_no}"
        self._result.add(
            Kind.MISSING,
            f"{named} were made and are gone, with {self._missing_rows} rows: so their checkpoints say",
            seal_no=first.seal_no,
            first_at=first.sealed_at,
            last_at=last.sealed_at,
            expected=self._missing_rows,
            found=0,
        )
        self._missing, self._missing_rows = [], 0

    def _is_signed(self, kept: Checkpoint) -> bool:
        key = self._keys.get(kept.key_id)
        if key is not None and key.has_signed(kept.signed, kept.signature):
            return True
        what = f"the checkpoint of seal {kept.seal_no} is not signed by a known key (it says {kept.key_id})"
        self._result.add(Kind.CHECKPOINT, what, seal_no=kept.seal_no)
        return False

    def _advance(self) -> None:
        before = self._head
        self._head = None
        for place, checkpoint in self._lines:
            if checkpoint is None:
                self._result.add(Kind.CHECKPOINT, f"{place} is no checkpoint")
            elif before is not None and checkpoint.seal_no < before.seal_no:
                what = f"{place} has seal {checkpoint.seal_no} after seal {before.seal_no}: not compared"
                self._result.add(Kind.UNCHECKED, what, seal_no=checkpoint.seal_no)
            elif checkpoint.seal_no >= self._first_no:
                self._head = checkpoint
                return
