"""The systemd units: every process of the table, its time to end, confined, and started again without limit."""

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from stack.processes import Process, applications
from tests.deploy.compose import ROOT

UNITS = ROOT / "deploy" / "systemd"
COMMON = UNITS / "opitios-.service.d" / "common.conf"
PYTHON, OPITIOS = "/opt/opitios/.venv/bin/python", "/opt/opitios/.venv/bin/opitios"
WORKER = "opitios-worker@.service"

Keys = dict[str, list[str]]


def keys(path: Path) -> dict[str, Keys]:
    """Return every section's keys with their values, in order."""
    found: dict[str, Keys] = {}
    section: Keys = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = found.setdefault(heading[1], {})
        elif line and not line.startswith("#"):
            pair = re.fullmatch(r"(\w+)=(.*)", line)
            assert pair is not None, f"{path.name}, line {number}: {line}"
            section.setdefault(pair[1], []).append(pair[2])
    return found


def unit_of(process: str) -> tuple[Path, str]:
    """Return a process's unit and the instance's name, empty where the unit is no template."""
    kind, _, instance = process.partition("-")
    return (UNITS / WORKER, instance) if kind == "worker" else (UNITS / f"opitios-{process}.service", "")


@pytest.mark.parametrize("process", applications(), ids=lambda process: process.name)
def test_every_process_has_its_unit(process: Process) -> None:
    path, instance = unit_of(process.name)
    service = keys(path)["Service"]

    assert service["ExecStart"][0].replace("%i", instance).split() == [PYTHON, *process.argv[1:]]
    assert service["Environment"][0].replace("%i", instance) == f"OPITIOS_PROCESS={process.name}"
    assert service["TimeoutStopSec"] == [str(process.stop_seconds)]
    assert service["Restart"] == ["always"]
    assert find_spec(process.argv[2]) is not None
    wanted = " ".join(keys(UNITS / "opitios.target")["Unit"]["Wants"]).split()
    assert (f"opitios-worker@{instance}.service" if instance else path.name) in wanted


def test_the_target_wants_nothing_else() -> None:
    wanted = " ".join(keys(UNITS / "opitios.target")["Unit"]["Wants"]).split()

    assert len(wanted) == len(applications())


def test_all_of_them_are_confined_and_started_without_limit() -> None:
    unit, service = keys(COMMON)["Unit"], keys(COMMON)["Service"]

    assert unit == {"PartOf": ["opitios.target"], "StartLimitIntervalSec": ["0"]}
    assert service["User"] == ["opitios"]
    assert service["CapabilityBoundingSet"] == [""]
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "RestrictNamespaces"):
        assert service[name] == ["yes"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["KillMode"] == ["mixed"]
    assert service["EnvironmentFile"] == ["/etc/opitios/opitios.env"]


def test_the_login_of_the_migrations_is_theirs_alone() -> None:
    having = [path.name for path in UNITS.glob("*.service") if "migrate.env" in path.read_text(encoding="utf-8")]

    assert having == ["opitios-migrate.service"]
    readers = {path.name for path in UNITS.glob("*.service") if "reports.env" in path.read_text(encoding="utf-8")}
    assert readers == {"opitios-api.service", "opitios-migrate.service"}
    assert "DATABASE_URL=" not in re.sub("_DATABASE_URL", "", example("opitios.env.example"))
    assert "OPITIOS_APP_DATABASE_URL" in keys(UNITS / "opitios-flower.service")["Service"]["UnsetEnvironment"][0]


def test_the_login_that_seals_is_the_sealers_alone() -> None:
    having = {path.name for path in UNITS.glob("*.service") if "sealer.env" in path.read_text(encoding="utf-8")}
    unset = keys(UNITS / "opitios-sealer.service")["Service"]["UnsetEnvironment"][0].split()

    assert having == {"opitios-migrate.service", "opitios-sealer.service"}
    assert {"OPITIOS_APP_DATABASE_URL", "OPITIOS_CONFIG", "REDIS_URL"} <= set(unset)


def test_the_examples_set_no_password() -> None:
    for name in ("opitios.env.example", "migrate.env.example", "sealer.env.example", "reports.env.example"):
        values = [line.partition("=")[2] for line in example(name).splitlines() if line and not line.startswith("#")]
        assert values
        assert set(values) == {""}


def example(name: str) -> str:
    return (ROOT / "deploy" / name).read_text(encoding="utf-8")


# what systemd.unit(5), systemd.service(5) and systemd.exec(5) know, as far as these units use it
KNOWN = {
    "Unit": {"After", "Description", "Documentation", "PartOf", "StartLimitIntervalSec", "Wants"},
    "Install": {"WantedBy"},
    "Service": {
        "AmbientCapabilities", "CapabilityBoundingSet", "Environment", "EnvironmentFile", "ExecStart", "Group",
        "InaccessiblePaths", "KillMode", "KillSignal", "LockPersonality", "MemoryMax", "NoNewPrivileges",
        "PrivateDevices", "PrivateTmp", "ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname",
        "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectProc", "ProtectSystem",
        "RemainAfterExit", "RemoveIPC", "Restart", "RestartSec", "RestrictAddressFamilies", "RestrictNamespaces",
        "RestrictRealtime", "RestrictSUIDSGID", "StateDirectory", "StateDirectoryMode", "SystemCallArchitectures",
        "SystemCallErrorNumber", "SystemCallFilter", "TasksMax", "TimeoutStartSec", "TimeoutStopSec", "Type", "UMask",
        "UnsetEnvironment", "User", "WorkingDirectory",
    },
}  # fmt: skip


@pytest.mark.parametrize("path", [*UNITS.glob("*.*"), COMMON], ids=lambda path: path.name)
def test_no_key_is_misspelt(path: Path) -> None:
    if path.is_dir():
        return
    for section, found in keys(path).items():
        assert found.keys() - KNOWN[section] == set()


def test_systemd_itself_takes_them_where_it_is_installed(tmp_path: Path) -> None:
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    units = [path.name for path in tmp_path.glob("opitios*.*") if path.is_file() and path.name != WORKER]
    units += [f"opitios-worker@{kind}.service" for kind in ("entries", "exits", "sell", "background", "entries-2")]
    for path in tmp_path.glob("*.service"):  # the program is looked for, and is not installed on this machine
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(PYTHON, "/bin/sh").replace(OPITIOS, "/bin/sh"), encoding="utf-8")
    assert "opitios-worker@entries.service" in units
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return  # the keys have been judged one by one above
    verified = subprocess.run(
        [analyze, "verify", *units],
        check=False, capture_output=True, text=True, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    assert (verified.returncode, verified.stderr) == (0, "")
