"""Every error path that the doors of a house lead to, one after the other; each checks that it was the one meant."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from kombu.connection import Connection

from config.celery import BACKGROUND_QUEUE, ENTRY_QUEUE, PLACE_ENTRY
from stack.processes import PROJECT_ROOT
from tests.support.canaries import CONTROL_TOKEN, KEYS, PLACES, Scene
from tests.support.commands import COMMAND
from tests.support.echoing_proxy import EchoingProxy
from tests.support.exchange import ExchangeProcess
from tests.support.house import PASSWORD, until


def _call(scene: Scene, method: str, path: str, *, status: set[int], **options: Any) -> requests.Response:
    """Call the API, check that the path was the one meant, and keep the answer."""
    answer = scene.house.call(method, path, **options)
    scene.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
    assert answer.status_code in status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer


def _order(scene: Scene, account: str, seen: set[str], **body: Any) -> dict[str, Any]:
    """Place an order and return it once one of the reasons has been seen in its timeline."""
    answer = scene.house.place(account, **body)
    assert answer.status_code == 202, answer.text

    def reasons() -> Any:
        found = scene.house.order(answer.json()["href"])
        told = {str(event["reason_code"]) for event in found["timeline"]}
        return found if told & seen else None

    found: dict[str, Any] = until(reasons, 30)
    scene.answers.append(json.dumps(found))
    return found


def _run(scene: Scene, *argv: str, seconds: float = 60, text: str = "", **environ: str) -> int:
    """Run a program of the house on its home and keep what it printed; one that works on is ended after `seconds`."""
    environment = scene.house.servers.environ | {"PYTHONPATH": str(PROJECT_ROOT), "COLUMNS": "200"} | environ
    process = subprocess.Popen(
        [sys.executable, "-m", *argv] if argv[0] != "opitios" else [*COMMAND, *argv[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd="/",
    )
    try:
        out, _ = process.communicate(text, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    scene.printed.append(out)
    return process.returncode


def sign_in_wrongly(scene: Scene, _: EchoingProxy) -> None:
    """Wrong names, wrong passwords, bodies that cannot be read, until the pause."""
    login = "/api/v1/auth/login"
    password, other = PASSWORD, scene.secrets["JWT secret"]
    for body, status in (
        ({"username": "nobody", "password": password}, {401}),
        ({"username": "admin", "password": other}, {401}),
        ({"username": {"password": password}, "password": [other]}, {422}),
        ({"username": "admin", "password": password, "secret_key": other, "token": scene.house.token}, {401, 422}),
        ({"username": "admin", "Password": password}, {422}),
    ):
        if _call(scene, "POST", login, json=body, status={*status, 200}).ok:
            scene.answers.pop()  # unknown fields are ignored: the answer is a token, and must be
    _call(scene, "POST", login, data=f'{{"username": "admin", "password": "{password}"', status={422})
    _call(scene, "POST", login, data=password, status={422})
    for _try in range(6):
        body = {"username": "nobody", "password": password}
        _call(scene, "POST", login, json=body, status={401, 429})


def send_bad_tokens(scene: Scene, _: EchoingProxy) -> None:
    """Tokens that are none, in headers and where no token belongs."""
    basic = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
    for header in (f"Bearer {scene.secrets['JWT secret']}", f"Basic {basic}", f"Bearer {scene.house.token[:-3]}xyz"):
        _call(scene, "GET", "/api/v1/orders", headers={"Authorization": header}, status={401})
    _call(scene, "GET", "/api/v1/orders", params={"token": scene.house.token, "limit": "x"}, status={422})
    _call(scene, "GET", "/nowhere", params={"password": PASSWORD}, status={404})


def send_bad_orders(scene: Scene, _: EchoingProxy) -> None:
    """Bodies with keys in them, headers with keys in them."""
    key, secret = KEYS["key of account 0"], KEYS["secret of account 0"]
    order: dict[str, Any] = {"account": "acc-0", "symbol": "AAPL", "side": "buy", "qty": "1"}
    headers = {"Idempotency-Key": "canary", "APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    for body in (
        order | {"api_key": key, "secret_key": secret},
        order | {"qty": {"secret": secret}},
        order | {"symbol": ["x", key]},
        [key, secret],
    ):
        _call(scene, "POST", "/api/v1/orders", json=body, headers=headers, status={422})
    _call(scene, "POST", "/api/v1/orders", data=f'{{"secret_key": "{secret}"', headers=headers, status={422})
    _call(scene, "POST", "/api/v1/orders", json=order | {"symbol": "NOSUCH"}, headers=headers, status={422})


def meet_a_broker_that_repeats_what_it_was_sent(scene: Scene, proxy: EchoingProxy) -> None:
    """401, 403, 422, 429 and 500 whose words hold the keys, for orders, cancels and reads."""
    for account, status, reason in (
        ("acc-0", 401, {"broker_unauthorized", "broker_rejected"}),
        ("acc-1", 403, {"broker_unauthorized", "broker_rejected"}),
        ("acc-0", 422, {"broker_rejected", "broker_unauthorized"}),
        ("acc-1", 500, {"http_500"}),
        ("acc-0", 429, {"rate_limited"}),
    ):
        before = proxy.echoed
        proxy.status = status
        _order(scene, account, reason, type="limit", limit_price="100")
        assert proxy.echoed > before
        proxy.status = None
    proxy.status = 403
    until(lambda: any("balance_unavailable" in text for _, text in PLACES["tables"](scene)), 30)
    working = scene.house.place("acc-1", type="limit", limit_price="1").json()
    proxy.status = None
    until(lambda: scene.house.order(working["href"])["status"] in {"accepted", "rejected"}, 30)


def meet_a_broker_that_is_ill(scene: Scene, _: EchoingProxy) -> None:
    """Timeouts, dropped connections, gateways' pages."""
    exchange = scene.house.exchange
    for kind, reasons in (
        ("504_after", {"http_504"}),
        ("drop_after", {"connection_lost", "timeout"}),
        ("hang_after", {"timeout", "connection_lost"}),
    ):
        exchange.add_fault(kind, account="acc-0", method="POST", path="/v2/orders")
        _order(scene, "acc-0", reasons, type="limit", limit_price="200")


def break_the_workers(scene: Scene, _: EchoingProxy) -> None:
    """Messages that are no tasks of ours, with secrets as arguments, names and headers."""
    secret, url = KEYS["secret of account 0"], scene.house.settings.redis_url.get_secret_value()
    marks = {name: f"broken-{name}" for name in ("argument", "task")}
    with Connection(url) as connection, connection.Producer() as producer:  # type: ignore[no-untyped-call]
        for queue, task, mark in (
            (ENTRY_QUEUE, PLACE_ENTRY, marks["argument"]),
            (BACKGROUND_QUEUE, f"no.such.{secret}", marks["task"]),
        ):
            body = [[f"{mark} {secret} {url}"], {"password": secret}, {}]
            headers = {"id": mark, "task": task, "lang": "py", "argsrepr": repr(body), "root_id": mark}
            producer.publish(body, routing_key=queue, headers=headers, serializer="json", retry=False)
        producer.publish("no json at all: " + url, routing_key=BACKGROUND_QUEUE, content_type="text/plain", retry=False)
    for mark in marks.values():
        until(lambda mark=mark: any(mark in text for _, text in PLACES["log files"](scene)), 20)  # type: ignore[misc]


def break_the_database(scene: Scene, _: EchoingProxy) -> None:
    """A table that is gone, passwords that are wrong, a server that stands still."""
    paths = {"/api/v1/accounts": {500, 503}, "/health": {200, 503}}
    with scene.connect() as connection:
        connection.execute("ALTER TABLE trading.accounts RENAME TO accounts_aside")
        try:
            for path in paths:
                _call(scene, "GET", path, status={500, 503, 200})
            time.sleep(0.5)
        finally:
            connection.execute("ALTER TABLE trading.accounts_aside RENAME TO accounts")
        connection.execute("ALTER ROLE opitios_app NOLOGIN")
        try:
            _drop_sessions(connection)
            for path, status in paths.items():
                _call(scene, "GET", path, status=status)
            _call(scene, "POST", "/api/v1/auth/login", json={"username": "admin", "password": PASSWORD}, status={503})
        finally:
            connection.execute("ALTER ROLE opitios_app LOGIN")
    pid = scene.house.servers.pid("postgres")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        _run(scene, "opitios", "report", "order-timing", seconds=5)
        _call(scene, "GET", "/health", status={200, 503})
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: scene.house.call("GET", "/api/v1/accounts").status_code == 200, 30)


def _drop_sessions(connection: Any) -> None:
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'opitios_app'")


def break_redis(scene: Scene, _: EchoingProxy) -> None:
    """Another password than the one in the URL, and no server at all."""
    client = scene.redis()
    client.config_set("requirepass", "another-password")
    try:
        client.client_kill_filter(skipme=True, _type="normal")
        client.client_kill_filter(skipme=True, _type="pubsub")
        _call(scene, "GET", "/health", status={200, 503})
        scene.house.place("acc-0", type="limit", limit_price="1")
        time.sleep(1)
    finally:
        client.config_set("requirepass", scene.secrets["password of Redis"])
        client.close()
    pid = scene.house.servers.pid("redis")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _call(scene, "GET", "/health", status={200, 503})
    until(lambda: scene.house.call("GET", "/health").json()["parts"]["redis"]["state"] == "healthy", 30)


def start_with_bad_settings(scene: Scene, _: EchoingProxy) -> None:
    """Files that cannot be used and URLs that lead nowhere, for commands and for processes."""
    key, secret = KEYS["key of account 0"], KEYS["secret of account 0"]
    file = Path(scene.house.servers.home.root) / "bad-secrets.yml"
    for content in (
        f"accounts: {secret}",
        f"accounts: {{a: {secret}}}",
        f"accounts: {{a: {{api_key: {{x: {key}}}, secret_key: [{secret}]}}}}",
        f"accounts: {{a: {{secret_key: {secret}, minimum_balance: -1}}}}\nlogging: {{to: nowhere}}",
        f'accounts: {{a: {{secret_key: "{secret}}}',
        f"jwt: {{secret_key: {secret}}}",
    ):
        file.write_text(content)
        assert _run(scene, "opitios", "order", "list", OPITIOS_CONFIG=str(file)) != 0
    assert _run(scene, "api", OPITIOS_CONFIG=str(file), OPITIOS_PROCESS="api-broken", seconds=10) != 0
    file.unlink()
    password = scene.secrets["password of the migrations"]
    port = scene.house.servers.stack().runtime.ports.postgres
    urls = [
        f"postgresql://opitios:{password}@127.0.0.1:1/opitios",  # nobody listens
        f"postgresql://nobody:{password}@127.0.0.1:{port}/opitios",
        f"postgresql://opitios:{password}@127.0.0.1:port/opitios",
        f"mysql://opitios:{password}@127.0.0.1/opitios",
    ]

    def lead_nowhere(url: str) -> None:
        assert _run(scene, "opitios", "migrate", DATABASE_URL=url) != 0
        _run(scene, "tasks.relay", seconds=4, OPITIOS_APP_DATABASE_URL=url, OPITIOS_PROCESS="relay-broken")

    with ThreadPoolExecutor(len(urls)) as pool:
        list(pool.map(lead_nowhere, urls))
    redis_url = f"redis://:{password}@127.0.0.1:1/0"
    _run(scene, "tasks.worker", "background", seconds=4, REDIS_URL=redis_url, OPITIOS_PROCESS="worker-broken")
    assert _run(scene, "api", OPITIOS_PROCESS="api-second", seconds=15) != 0  # the port is taken


def fail_to_migrate(scene: Scene, _: EchoingProxy) -> None:
    """A server that writes down every statement, and a revision that nobody knows."""
    with scene.connect() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            assert _run(scene, "opitios", "migrate") == 0
            assert _run(scene, "opitios", "admin", "reset-password", "nobody") == 1
            connection.execute("UPDATE trading.alembic_version SET version_num = 'unknown' || version_num")
            assert _run(scene, "opitios", "migrate") != 0
            connection.execute("UPDATE trading.alembic_version SET version_num = replace(version_num, 'unknown', '')")
        finally:
            connection.execute("ALTER SYSTEM RESET log_statement")
            connection.execute("SELECT pg_reload_conf()")


def use_commands_wrongly(scene: Scene, _: EchoingProxy) -> None:
    """Commands without a session, with a wrong password, with orders that are refused."""
    assert _run(scene, "opitios", "order", "list") != 0
    wrong = scene.secrets["JWT secret"]
    assert _run(scene, "opitios", "login", "--password-stdin", text=f"{wrong}\n") != 0
    assert _run(scene, "opitios", "login", "--password-stdin", text=f"{PASSWORD}\n") == 0
    assert _run(scene, "opitios", "order", "buy", "NOSUCH", "1", "--account", "acc-0") != 0
    assert _run(scene, "opitios", "report", "order-timing") == 0
    assert _run(scene, "opitios", "report", "orders-by-account-type", "--format", "csv") == 0
    _run(scene, "opitios", "status")


def knock_at_an_exchange_with_a_token(scene: Scene, _: EchoingProxy) -> None:
    """The control port with a wrong token, a right one and bodies that cannot be read."""
    directory = scene.house.servers.home.root / "second-world"
    with ExchangeProcess(directory, control_token=CONTROL_TOKEN) as exchange:
        for token in (CONTROL_TOKEN, "wrong", CONTROL_TOKEN[::-1]):
            for body in ("{", '{"kind": "no such"}'):
                answer = requests.post(
                    f"{exchange.control_url}/faults", data=body, headers={"X-Control-Token": token}, timeout=5
                )
                assert answer.status_code in {400, 401}
                scene.answers.append(answer.text)


PATHS: tuple[Callable[[Scene, EchoingProxy], None], ...] = (
    use_commands_wrongly,
    sign_in_wrongly,
    send_bad_tokens,
    send_bad_orders,
    meet_a_broker_that_repeats_what_it_was_sent,
    meet_a_broker_that_is_ill,
    break_the_workers,
    start_with_bad_settings,
    fail_to_migrate,
    knock_at_an_exchange_with_a_token,
    break_redis,
    break_the_database,
)
