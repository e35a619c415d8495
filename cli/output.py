"""What the commands print with: plain where nobody looks, coloured at a terminal."""

from rich.console import Console

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str) -> None:
    """Print an error as it is; the caller ends with code 1."""
    ERR.print(message, style="red", markup=False)
