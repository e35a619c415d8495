"""Runs one verification of the audit trail at a time, in a process of its own: a million hashes would hold orders up.

It is the command `opitios audit verify`, so both say the same.
"""

import asyncio
import datetime as dt
import json
import sys
from typing import Any

from loguru import logger

from domain.errors import VerificationFailed, VerificationRunning

MOST_ROWS = 1_000_000
_MOST_S = 120
_HOLDS, _BROKEN = 0, 1


class Verifying:
    """What one API process has of it."""

    def __init__(self) -> None:
        self._running = False

    async def run(self, first: dt.date, last: dt.date) -> dict[str, Any]:
        """Verify the seals of these days (UTC) and return what was found.

        Raises VerificationRunning while another is, VerificationFailed when the command cannot do it in two minutes.
        """
        if self._running:
            raise VerificationRunning("one verification at a time; this one ends within two minutes")
        self._running = True
        try:
            return await _verified(first, last)
        finally:
            self._running = False


async def _verified(first: dt.date, last: dt.date) -> dict[str, Any]:
    words = ("-m", "cli.main", "audit", "verify", "--format", "json", "--from", str(first), "--to", str(last))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        said, error = await asyncio.wait_for(process.communicate(), _MOST_S)
    except TimeoutError:
        raise VerificationFailed(f"not done within {_MOST_S} s; opitios audit verify has no such limit") from None
    finally:
        if process.returncode is None:  # too slow, or nobody waits for it any more
            process.kill()
            await process.wait()
    if process.returncode not in {_HOLDS, _BROKEN} or not said:
        logger.error("A verification ended with {}: {}", process.returncode, error.decode(errors="replace")[-500:])
        raise VerificationFailed("the verification could not be carried out; the log says why")
    found: dict[str, Any] = json.loads(said)
    return found
