"""Python imports this by itself at its start, where this directory is on its path: it plants the bug asked for."""

import os
import sys

from tests.planted.bugs import BUGS
from tests.planted.planted import VARIABLE, plant

_name = os.environ.get(VARIABLE, "")
if _name not in BUGS:
    sys.exit(
        f"{VARIABLE} is {_name!r}, expected one of {', '.join(BUGS)}"
    )  # an Exception would be printed and forgotten
plant(BUGS[_name])
