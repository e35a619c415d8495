"""docker-compose.yml says what the code knows: processes, modules, variables, ports; and it has no default password."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer.main

from cli.main import app
from config.home import Home
from config.settings import Settings
from config.sources import ENVIRONMENT
from deploy.prepare import prepare
from stack.ports import Ports
from stack.processes import APPLICATION, applications, exchange
from stack.runtime import next_runtime
from tests.deploy.compose import FILE, ROOT, Missing, dot_env, interpolated, services

SERVERS = {"postgres", "redis"}
TABLE = {process.name: process for process in applications()}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What a prepared installation sets."""
    prepare(tmp_path, simulated=True, uid=1000, gid=1000)
    return dot_env(tmp_path / ".env")


def test_it_follows_the_compose_specification() -> None:
    words = ["--builtin-schema", "vendor.compose-spec", str(FILE)]
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *words], check=False, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_process_is_a_service_with_the_same_command_and_time_to_end(tmp_path: Path) -> None:
    home = Home(tmp_path)
    table = TABLE | {"exchange": exchange(home, next_runtime({}, None, Ports()))}

    assert services().keys() == table.keys() | SERVERS | {"migrate"}
    for name, process in table.items():
        service = services()[name]
        length = 3 if name == "exchange" else len(process.argv)  # its ports and paths are the container's own
        assert service["command"][:length] == ["python", *process.argv[1:length]], name
        assert service["stop_grace_period"] == f"{process.stop_seconds}s", name
        assert process.stop_signal == "TERM"
        assert name == "exchange" or service["environment"]["OPITIOS_PROCESS"] == name


def test_every_command_exists_in_the_image() -> None:
    for name, service in services().items():
        if name in SERVERS:
            continue
        program, *words = service["command"]
        if program == "python":
            assert words[0] == "-m"
            assert find_spec(words[1]) is not None, name
        else:
            assert program == "opitios"
            assert words[0] in getattr(typer.main.get_command(app), "commands", {})


def test_every_variable_is_one_that_the_code_reads(variables: dict[str, str]) -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "config").glob("*.py"))
    read = set(re.findall(r'"((?:OPITIOS_\w+)|DATABASE_URL|REDIS_URL)"', source)) | set(ENVIRONMENT)
    sections = {name: kind for name, kind in get_type_hints(Settings).items() if hasattr(kind, "model_fields")}
    read |= {f"OPITIOS_{name}_{field}".upper() for name, kind in sections.items() for field in kind.model_fields}
    given = {name for key, service in services().items() if key not in SERVERS for name in service["environment"]}

    assert given - read == set()
    assert interpolated(services(), variables)


@pytest.mark.parametrize("name", sorted(services().keys() - SERVERS - {"exchange"}))
def test_a_service_gets_the_logins_that_it_needs_and_no_other(name: str) -> None:
    given = services()[name]["environment"].keys()

    assert ("DATABASE_URL" in given) == (name == "migrate")
    assert ("OPITIOS_COMPLIANCE_DATABASE_URL" in given) == (name in {"migrate", "api"})
    assert ("OPITIOS_APP_DATABASE_URL" in given) == (name not in {"flower", "sealer"})
    assert ("OPITIOS_SEALER_DATABASE_URL" in given) == (name in {"migrate", "sealer"})
    assert ("REDIS_URL" in given) == (name not in {"migrate", "sealer"})
    assert ("OPITIOS_JWT_SECRET" in given) == (name == "api")
    assert ("OPITIOS_FLOWER_PASSWORD" in given) == (name == "flower")
    mounted = {volume["target"] for volume in services()[name].get("volumes", ())}
    assert ("OPITIOS_CONFIG" in given) == ("/etc/opitios" in mounted)
    assert ("OPITIOS_CONFIG" in given) == (name not in {"flower", "relay", "beat", "sealer"})
    assert ("OPITIOS_AUDIT_CHECKPOINTS" in given) == ("/srv/checkpoints" in mounted) == (name in {"api", "sealer"})


def test_there_is_no_default_password(variables: dict[str, str]) -> None:
    for name in variables:
        if "PASSWORD" in name or "SECRET" in name:
            with pytest.raises(Missing, match=name):
                interpolated(services(), variables | {name: ""})
    named = re.findall(r"(\w*(?:PASSWORD|SECRET|AUTH)\w*): (.+)", FILE.read_text(encoding="utf-8"))
    assert len(named) == 4
    assert services()["api"]["volumes"][1]["read_only"] is True
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for _, value in named)
    assert [word for service in services().values() for word in service.get("command", ()) if "${" in word] == []


def test_ports_are_published_on_loopback_alone_and_lead_to_where_the_process_listens() -> None:
    published = {name: port for name, service in services().items() for port in service.get("ports", ())}

    assert published.keys() == {"api", "flower"}
    for name, port in published.items():
        default = getattr(Ports(), name)
        assert port == f"127.0.0.1:${{OPITIOS_{name.upper()}_PORT:-{default}}}:{default}"
        assert services()[name]["environment"][f"OPITIOS_{name.upper()}_PORT"] == str(default)
    assert all(services()[name]["networks"] == ["data"] for name in SERVERS)


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_is_confined_limited_watched_and_started_again(name: str) -> None:
    service: dict[str, Any] = services()[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["user"] not in {"root", "0"}
    assert {"mem_limit", "cpus", "pids_limit", "logging", "tmpfs"} <= service.keys()
    assert service["restart"] == ("on-failure:3" if name == "migrate" else "unless-stopped")
    assert service["healthcheck"].get("disable", False) == (name == "migrate")
    assert name in SERVERS or service["init"] is True


def test_what_a_service_waits_for_is_the_migrations_and_healthy_servers() -> None:
    for name, process in TABLE.items():
        assert process.stage == APPLICATION
        waits = {other: how["condition"] for other, how in services()[name]["depends_on"].items()}
        ready = {"redis": "service_healthy"} if name != "sealer" else {}
        if name != "flower":
            ready |= {"postgres": "service_healthy", "migrate": "service_completed_successfully"}
        assert waits == ready, name


def test_redis_keeps_its_queues_and_asks_for_its_password() -> None:
    said = services()["redis"]["command"][-1]

    for line in ("appendonly yes", "maxmemory-policy noeviction", 'requirepass "$$REDISCLI_AUTH"'):
        assert line in said
