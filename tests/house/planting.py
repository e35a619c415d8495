"""Small trees with one fault in them."""

from pathlib import Path


def plant(root: Path, path: str, text: str = "") -> Path:
    """Write `text` to `path` below `root`, making the directories on the way."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target
