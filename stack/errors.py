"""The one error of this package: a sentence for the person at the terminal."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


class StackError(Exception):
    """The stack cannot do what was asked; the message is shown as it is, without a traceback.

    A message names what was found, what was expected and what the reader can do. It never holds a password.
    """


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what the operating system refuses (a full disk, a missing right, a program that hangs) into a StackError."""
    try:
        yield
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise StackError(f"{where}{error.strerror or error}.") from error
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{error.cmd[0]} did not end within {error.timeout:.0f} s.") from error
