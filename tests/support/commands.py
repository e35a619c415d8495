"""Runs `opitios` as a person at a terminal does, against one home and its own ports."""

import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from config.home import Home
from tests.support.stack import own_environment

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "cli.main")
_LIMIT_S = 120
_SCREEN_S = 20
_PASSWORD = re.compile(r"password (\S+)   <- shown this once")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams as one line of words, without frames and line breaks."""
        return re.sub(r"[\s│]+", " ", self.out + self.err)

    def refused(self, *words: str, code: int = 1) -> bool:
        """Tell whether the command failed with a message that holds `words`, and without a traceback."""
        return self.code == code and "Traceback" not in self.said and all(word in self.said for word in words)


@dataclass
class Terminal:
    """One person's shell: a home, ports of its own, and nothing of the caller's stack."""

    home: Home
    environ: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environ = own_environment(self.home, PYTHONPATH=search, COLUMNS="80")

    def opitios(self, *words: str, text: str = "", **environ: str) -> Answer:
        """Run one command to its end, with `text` on its stdin; TimeoutExpired after two minutes."""
        ended = subprocess.run(
            [*COMMAND, *words],
            check=False,
            input=text,
            capture_output=True,
            text=True,
            env=self.environ | environ,
            cwd="/",
            timeout=_LIMIT_S,
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start one command and return its process, both streams in its stdout."""
        return subprocess.Popen(
            [*COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environ,
            cwd="/",
            start_new_session=True,
        )

    def opitios_on_screen(self, *words: str, asked: str, typed: str) -> Answer:
        """Run one command on a screen, typing a line once `asked` stands there; `out` is all it showed.

        `asked` ends with the blank that a prompt writes when it has turned the echo off; what is typed earlier is lost.
        """
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=self.environ,
            cwd="/",
            start_new_session=True,
        )
        os.close(theirs)
        patience = threading.Timer(_SCREEN_S, process.kill)
        patience.start()
        screen = b""
        with suppress(OSError):  # the system's way to say that the other end has closed
            while asked.encode() not in screen:
                screen += os.read(ours, 4096)
            os.write(ours, f"{typed}\n".encode())
            while True:
                screen += os.read(ours, 4096)
        patience.cancel()
        os.close(ours)
        return Answer(process.wait(), screen.decode(), "")


def printed_password(answer: Answer) -> str | None:
    """Return the password that `run` has printed, None without one."""
    found = _PASSWORD.search(answer.out)
    return None if found is None else found[1]
