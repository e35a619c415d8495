"""The bugs that are planted, by name, as `bugs.toml` tells them."""

import tomllib
from pathlib import Path
from typing import Any

from tests.planted.planted import Planted


def _planted(name: str, told: dict[str, Any]) -> Planted:
    return Planted(
        name=name,
        rule=told["rule"],
        breaks=told["breaks"],
        file=told["file"],
        edits=tuple((old, new) for old, new in told["edits"]),
        caught_by=tuple(told["caught_by"]),
    )


_DOCUMENT = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
BUGS = {name: _planted(name, told) for name, told in _DOCUMENT.items()}
