"""The settings of a running process: a thread looks at `secrets.yml`, judges what is new and swaps it whole (CFG-001).

What is looked at is the content: so a rename over the file, a symlink that turns, a file written anew or in place with
its old time are all the same. A file that is different in two looks is still being written and waits for the next look.
"""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from loguru import logger

from config.explaining import UNKNOWN, for_everybody, useless_keys
from config.fields import differing, merged
from config.settings import Settings, read_settings
from config.sources import ConfigError, Content, read_content
from domain.clock import Clock

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """How a process stands to its configuration, for anybody: since when, what was wrong, what waits for a restart.

    With an `error` the values before it are still in force.
    """

    since: str
    error: str | None = None
    needs_restart: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look brought, to be recorded: the settings as the sources have them, or why they are not used."""

    content: Content
    settings: Settings | None
    complaint: str | None = None


class LiveSettings:
    """Watches the file of one process.

    `follow` is given new settings to work with, `record` what there is to write down: it answers whether that is done.
    It is asked again at the next look while it is not, or while it raises what `away` names.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        follow: Callable[[Settings], None],
        record: Callable[[Verdict], bool],
        away: type[Exception],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.standing = Standing(clock.now().isoformat())
        self._settings = settings
        self._clock = clock
        self._follow = follow
        self._record = record
        self._away = away
        self._env = dict(os.environ if environ is None else environ)
        self._seen = read_content(settings.home, self._env)
        self._judged: Content | None = None
        self._found = self._seen.path
        self._to_record: Verdict | None = None
        self._said: Verdict | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin to look; the first look judges the file once more, so that a start with safe defaults is told."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Take in what has changed and stands still since the last look."""
        before, self._seen = self._seen, self._read()
        if self._seen == before and self._seen != self._judged:
            self._judged = self._seen
            self._to_record = self._judge(self._seen)
        if self._to_record is not None and self._is_recorded(self._to_record):
            self._to_record = None

    def _is_recorded(self, verdict: Verdict) -> bool:
        try:
            return self._record(verdict)
        except self._away as error:
            if verdict is not self._said:
                logger.warning("Configuration is not on record yet: {}", type(error).__name__)
            self._said = verdict
            return False

    def is_current(self) -> bool:
        """Return whether the file still holds what was judged: what is older must not be recorded any more."""
        return self._read() == self._judged

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  a thread that died would leave its process behind, unseen
                self._to_record = None
                self.standing = Standing(self._now(), f"not taken over: {type(error).__name__}")
                logger.error("Configuration not taken over: {}", type(error).__name__)
            if self._stop.wait(LOOK_S):
                return

    def _read(self) -> Content:
        content = read_content(self._settings.home, self._env)
        if content.path is None and self._found is not None:
            return Content(self._found, problem=f"{self._found}: the file is gone")
        self._found = content.path
        if self._settings.accounts and content.problem is None and not content.data.strip():
            return Content(self._found, problem=f"{self._found}: the file is empty; it held accounts before")
        return content

    def _judge(self, content: Content) -> Verdict:
        try:
            reading = read_settings(self._env, content)
        except ConfigError as error:
            return self._refuse(content, str(error))
        new, waiting = merged(self._settings, reading.settings)
        changed = [change.line() for change in differing(self._settings, new)]
        if changed:
            self._settings = new
            self._follow(new)
        self._say(changed, waiting, useless_keys(reading.sources.tree))
        self.standing = Standing(self._now(), needs_restart=waiting)
        return Verdict(content, reading.settings)

    def _refuse(self, content: Content, complaint: str) -> Verdict:
        kept = "the values before it stay in force (after a start: safe ones in place of wrong thresholds)"
        for line in complaint.splitlines():
            logger.error("Configuration not taken over: {}", line)
        logger.error("Configuration not taken over: {}", kept)
        self.standing = Standing(self._now(), for_everybody(complaint, content.path), self.standing.needs_restart)
        return Verdict(content, None, complaint)

    def _say(self, changed: Iterable[str], waiting: tuple[str, ...], useless: Iterable[str]) -> None:
        if self.standing.error is not None:
            logger.info("Configuration: the file can be used again")
        for line in changed:
            logger.info("Configuration in force: {}", line)
        if waiting and waiting != self.standing.needs_restart:
            logger.warning("Configuration needs a restart for: {}", ", ".join(waiting))
        for line in useless:
            if UNKNOWN in line:
                logger.warning("Configuration: {}", line)

    def _now(self) -> str:
        return self._clock.now().isoformat()
