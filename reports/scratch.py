"""Where a report waits until it is whole: a file without a name, gone with the process however that ends."""

import os
import tempfile
from typing import IO

_LARGE = "/var/tmp"  # noqa: S108  for what is too large for memory, which /tmp often is; nobody else can open the file


def scratch() -> IO[bytes]:
    """Return a new file to write and read; whoever has it closes it."""
    return tempfile.TemporaryFile(dir=_LARGE if os.access(_LARGE, os.W_OK) else None)
