"""Does to a running world what the plan says, heals it again, and counts whether it really happened."""

import asyncio
import os
import shutil
import signal
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis

from config.clock import SYSTEM_CLOCK
from crucible.fault_plan import EXCHANGE, KILL, LINK, SERVER, STOP, Fault
from crucible.tcp_link import PASS
from crucible.world import World
from stack.postgres import unanswered
from stack.stack import StackError

_BACK_S = 60.0
_LOOK_S = 0.1


@dataclass
class Hit:
    """A fault that was carried out: how often it struck, and when it began and was healed (seconds of the load)."""

    fault: Fault
    fired: int = 0
    began_s: float = 0.0
    healed_s: float = 0.0
    note: str = ""


@dataclass
class Injector:
    """Carries a plan's faults out, one task each; two at one target wait for each other."""

    world: World
    on_hit: Callable[[], None] = lambda: None
    hits: list[Hit] = field(default_factory=list)
    healed_at: str = ""
    _busy: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def run(self, faults: Sequence[Fault], load_s: float) -> None:
        """Begin every fault at its moment and return when the last is healed."""
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def one(fault: Fault) -> None:
            hit = Hit(fault)
            self.hits.append(hit)
            await asyncio.sleep(began + fault.at * load_s - loop.time())
            async with self._busy[_target(fault)]:
                hit.began_s = loop.time() - began
                try:
                    await self._strike(hit)
                except (OSError, RuntimeError, TimeoutError, redis.RedisError) as error:
                    hit.note = f"{type(error).__name__}: {error}"
                hit.healed_s = loop.time() - began
            self.on_hit()

        await asyncio.gather(*(one(fault) for fault in faults))
        self.healed_at = SYSTEM_CLOCK.now().isoformat()

    async def _strike(self, hit: Hit) -> None:
        fault = hit.fault
        if fault.family == KILL:
            await self._kill(fault.what)
            hit.fired = 1
        elif fault.family == STOP:
            await self._stop(fault.what, fault.seconds)
            hit.fired = 1
        elif fault.family == LINK:
            hit.fired = await self._break(fault)
        elif fault.family == EXCHANGE:
            hit.fired = await self._script(fault)
        elif fault.family == SERVER:
            await self._hurt(fault)
            hit.fired = 1

    async def _kill(self, name: str, before: Callable[[], None] = lambda: None) -> None:
        """Kill -9 a process as soon as it has a pid; return when it has another."""
        pid = await self._pid(name)
        before()
        os.kill(pid, signal.SIGKILL)
        await self._until(lambda: self.world.pids().get(name) not in {None, pid}, f"{name} did not come back")

    async def _stop(self, name: str, seconds: float) -> None:
        """Stop a process and its children where they are, and let them go on."""
        pid = await self._pid(name)
        everybody = (pid, *_children(pid))
        try:
            for one in everybody:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGSTOP)
            await asyncio.sleep(seconds)
        finally:
            for one in everybody:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    async def _hurt(self, fault: Fault) -> None:
        server, how = fault.what.split()
        if how == "stopped":
            await self._stop(server, fault.seconds)
        elif how == "killed":
            await self._kill(server)
        elif how == "wiped":
            await self._stop_and_wipe()
        elif how == "flushed":
            await asyncio.to_thread(self._flush)
        await self._until(self._servers_answer, f"{server} did not answer again")

    async def _stop_and_wipe(self) -> None:
        """Kill Redis with nothing left of its files; stopped before, so that it cannot be restarted in between."""
        pid = await self._pid("redis")
        os.kill(pid, signal.SIGSTOP)
        await asyncio.to_thread(_empty, self.world.home.redis)
        await self._kill("redis")

    def _flush(self) -> None:
        client = redis.Redis.from_url(self.world.stack.runtime.redis_url, socket_timeout=10)
        try:
            client.flushall()
        finally:
            client.close()

    def _servers_answer(self) -> bool:
        client = redis.Redis.from_url(self.world.stack.runtime.redis_url, socket_timeout=1)
        try:
            client.ping()
        except redis.RedisError:
            return False
        finally:
            client.close()
        try:
            return unanswered(self.world.stack.runtime.migrations_database_url) is None
        except StackError:
            return False

    async def _break(self, fault: Fault) -> int:
        """Break a link for a while, longer if nothing ran into it yet."""
        name, mode = fault.what.split()
        link = self.world.links[name]
        before = link.fired[mode]

        def has_fired() -> bool:
            if link.fired[mode] > before:
                return True
            self.world.links.set_mode(name, mode)  # again: what half_open found open may have been nothing
            return False

        self.world.links.set_mode(name, mode)
        try:
            await asyncio.sleep(fault.seconds)
            with suppress(TimeoutError):
                await self._until(has_fired, "")
        finally:
            self.world.links.set_mode(name, PASS)
        return link.fired[mode] - before

    async def _script(self, fault: Fault) -> int:
        """Set a fault up at the exchange and leave it there until requests have run into it."""
        wanted = {
            "kind": fault.what,
            "times": fault.times or None,
            "method": fault.method or None,
            "path": fault.path or None,
            "delay_ms": fault.delay_ms or None,
        }
        body = {key: value for key, value in wanted.items() if value is not None}
        made = str((await asyncio.to_thread(self.world.control, "POST", "/faults", body))["id"])
        try:
            if fault.restarts:
                names = [name for name in self.world.pids() if name.startswith(fault.restarts)]
                await asyncio.gather(*(self._kill(name) for name in names))
            with suppress(TimeoutError):
                await self._until(lambda: self._fired(made) >= max(1, fault.times), "")
            await asyncio.sleep(fault.seconds)
            return await asyncio.to_thread(self._fired, made)
        finally:
            await asyncio.to_thread(self.world.control, "DELETE", f"/faults/{made}")

    def _fired(self, made: str) -> int:
        faults = self.world.control("GET", "/faults")["faults"]
        return next((int(fault["fired"]) for fault in faults if fault["id"] == made), 0)

    async def _pid(self, name: str) -> int:
        await self._until(lambda: name in self.world.pids(), f"{name} does not run")
        return self.world.pids()[name]

    async def _until(self, check: Callable[[], bool], complaint: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _BACK_S
        while not await asyncio.to_thread(check):
            if loop.time() > deadline:
                raise TimeoutError(complaint)
            await asyncio.sleep(_LOOK_S)


def _target(fault: Fault) -> str:
    """Return what two faults must not be at once: a process, a server, a link; the exchange's go by kind."""
    if fault.family in {KILL, STOP}:
        return f"process {fault.what}"
    if fault.family in {SERVER, LINK}:
        return f"{fault.family} {fault.what.split()[0]}"
    return fault.kind


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in task.read_text(encoding="ascii").split()]
    return found


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
