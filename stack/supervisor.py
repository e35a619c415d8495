"""Keeps every process alive: supervisord, told what to run by a file and driven over a private socket.

supervisord knows no dependencies and gives up after a few quick failures. Both are switched off here: processes wait
for what they need, and are restarted without limit (R30).
"""

import hashlib
import os
import shlex
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.home import Home
from stack.control import Control
from stack.errors import StackError
from stack.files import PRIVATE_DIRECTORY, last_lines, make_private_directory, write_private
from stack.orphans import SUPERVISOR
from stack.processes import APPLICATION, INFRASTRUCTURE, PROCESS_VARIABLE, Process, common_environment
from stack.waiting import poll

# sockaddr_un holds 107 bytes, and supervisord binds `<path>.<pid>` before it renames.
_LONGEST_SOCKET = 107 - len(".4194304")
_START_SECONDS = 15
# What supervisord's file format gives a meaning of its own, and no quoting takes away.
_UNSPEAKABLE = frozenset("\"'`;#\\\n\r\t$%")


class Supervisor:
    """supervisord of one home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.logs = home.logs / "process"

    def control(self) -> Control:
        """Return the line to the running supervisord."""
        return Control(socket_path(self._home))

    def log_of(self, name: str) -> Path:
        """Return the file with what a process wrote to stdout and stderr."""
        return self.logs / f"{name}.log"

    def start(self, processes: Sequence[Process], environ: Mapping[str, str]) -> None:
        """Write the configuration and start supervisord in the background; the infrastructure starts with it.

        Raises StackError with supervisord's own words when it does not come up.
        """
        require_plain(str(self._home.root), "OPITIOS_HOME")
        make_private_directory(self._home.run)
        make_private_directory(self.logs)
        configuration = self._home.run / "supervisord.conf"
        write_private(configuration, self._configuration(processes, environ))
        answer = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
            check=False,
            cwd="/",
            env={
                **environ,
                **common_environment(self._home, environ),
                PROCESS_VARIABLE: SUPERVISOR,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            umask=0o077,
        )
        if answer.returncode != 0 or not self._comes_up():
            said = answer.stderr.strip() or answer.stdout.strip() or last_lines(self.log_of("supervisord"))
            raise StackError(f"supervisord did not start:\n{said}")

    def _comes_up(self) -> bool:
        return poll(self.control().alive, seconds=_START_SECONDS, pause_s=0.05)

    def _configuration(self, processes: Sequence[Process], environ: Mapping[str, str]) -> str:
        common = common_environment(self._home, environ)
        sections = [self._own_section(), *(self._program(process, common) for process in processes)]
        # Lower priority starts first and stops last.
        for priority, stage in ((100, INFRASTRUCTURE), (900, APPLICATION)):
            names = [process.name for process in processes if process.stage == stage]
            if names:
                sections.append(f"[group:{stage}]\nprograms = {','.join(names)}\npriority = {priority}\n")
        return "\n".join(sections)

    def _own_section(self) -> str:
        as_root = "user = root\n" if os.geteuid() == 0 else ""
        return (
            "; Written by `opitios run` at every start.\n"
            f"[unix_http_server]\nfile = {_plain(socket_path(self._home))}\nchmod = 0600\n\n"
            f"[supervisord]\nlogfile = {_plain(self.log_of('supervisord'))}\n"
            "logfile_maxbytes = 5MB\nlogfile_backups = 2\nloglevel = info\n"
            f"pidfile = {_plain(self._home.run / 'supervisord.pid')}\n"
            f"childlogdir = {_plain(self.logs)}\nnocleanup = true\numask = 077\n{as_root}\n"
            "[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        )

    def _program(self, process: Process, common: Mapping[str, str]) -> str:
        environment = {**common, **process.environment, PROCESS_VARIABLE: process.name}
        pairs = ",".join(f'{key}="{_plain(value)}"' for key, value in environment.items())
        user = f"user = {process.user}\n" if process.user else ""
        return (
            f"[program:{process.name}]\n"
            f"command = {' '.join(_plain(word, quoted=True) for word in process.argv)}\n"
            f"directory = {_plain(self._home.root)}\nenvironment = {pairs}\n{user}"
            f"autostart = {'true' if process.stage == INFRASTRUCTURE else 'false'}\n"
            # Without limit: startsecs = 0 counts every start as one, startretries covers a program that is missing.
            "autorestart = true\nstartsecs = 0\nstartretries = 2147483647\n"
            f"stopsignal = {process.stop_signal}\nstopwaitsecs = {process.stop_seconds}\n"
            # The polite signal is for the process alone, which ends its children itself (a warm worker first lets them
            # finish); the killing one is for all of them.
            "stopasgroup = false\nkillasgroup = true\n"
            f"stdout_logfile = {_plain(self.log_of(process.name))}\nredirect_stderr = true\n"
            "stdout_logfile_maxbytes = 10MB\nstdout_logfile_backups = 3\n"
        )


def socket_path(home: Home) -> Path:
    """Return the control socket: below the home, or, where that path is too long, in a private directory of its own.

    Raises StackError when that directory belongs to somebody else.
    """
    usual = home.run / "supervisor.sock"
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET:
        return usual
    digest = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:16]
    directory = Path(tempfile.gettempdir()) / f"opitios-{os.geteuid()}-{digest}"
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY)
    except FileExistsError:
        found = directory.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not ours or stat.S_IMODE(found.st_mode) != PRIVATE_DIRECTORY:
            raise StackError(f"{directory} is not a private directory of this user; remove it.") from None
    return directory / "supervisor.sock"


def require_plain(text: str, what: str) -> None:
    """Raise StackError for a path that the servers' configuration files cannot hold."""
    if _UNSPEAKABLE & set(text):
        raise StackError(f"{what} {text!r} holds quotes, a backslash, or one of $ % ; #: choose a path without them.")


def _plain(value: object, *, quoted: bool = False) -> str:
    text = str(value)
    require_plain(text, "the path or value")
    return shlex.quote(text) if quoted else text
