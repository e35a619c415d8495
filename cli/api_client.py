"""The CLI as a client of the API: it has no other way to an order than anybody else."""

import json
import os
from typing import Any
from urllib.parse import quote

import requests

from cli.output import command_name
from config.home import Home
from config.settings import Settings

_TIMEOUT_S = (3, 15)


class ApiError(Exception):
    """The API said no, or did not answer; the message is for the person at the terminal.

    `status` is the HTTP status, None without an answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ApiClient:
    """One session with the API, with the token that `opitios login` kept or one of its own."""

    def __init__(self, settings: Settings) -> None:
        self._url = os.environ.get("OPITIOS_API", settings.api_url).rstrip("/")
        self._home = settings.home
        self._token: str | None = None
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy stands between this machine and itself

    def login(self, username: str, password: str) -> dict[str, Any]:
        """Sign in and keep the token; return the API's answer."""
        body = self.sign_in(username, password)
        keep_token(self._home, self._url, body["access_token"])
        return body

    def sign_in(self, username: str, password: str) -> dict[str, Any]:
        """Sign in for this session alone; return the API's answer."""
        answer = self._call("POST", "/api/v1/auth/login", json={"username": username, "password": password})
        body: dict[str, Any] = answer.json()
        self._token = body["access_token"]
        return body

    def send(self, method: str, path: str, body: dict[str, Any], *, key: str) -> requests.Response:
        """Send a body under an idempotency key."""
        return self._call(method, path, json=body, headers=self._bearer() | {"Idempotency-Key": key})

    def get(self, path: str, query: dict[str, str] | None = None) -> Any:
        """Read a resource."""
        return self._call("GET", path, params=query, headers=self._bearer()).json()

    def change(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Change a resource; the same again changes nothing more."""
        return self._call(method, path, json=body, headers=self._bearer()).json()

    def delete(self, path: str, query: dict[str, str] | None = None) -> Any:
        """Ask for the end of a resource, or of what a query means."""
        return self._call("DELETE", path, params=query, headers=self._bearer()).json()

    def _bearer(self) -> dict[str, str]:
        token = self._token or kept_token(self._home, self._url)
        if token is None:
            raise ApiError(f"You are not signed in. Sign in with: {command_name()} login")
        return {"Authorization": f"Bearer {token}"}

    def _call(self, method: str, path: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(method, self._url + path, timeout=_TIMEOUT_S, **options)
        except requests.RequestException as error:
            what = f"The API at {self._url} does not answer ({type(error).__name__})."
            raise ApiError(f"{what} Start it with: make run") from None
        if answer.ok:
            return answer
        raise ApiError(_explain(answer), answer.status_code)


def in_path(name: str) -> str:
    """Return a name as one part of a path, whatever is in it."""
    return quote(name, safe="")


def keep_token(home: Home, url: str, token: str) -> None:
    """Write the token where only its owner can read it."""
    path = home.session
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"url": url, "token": token}, file)


def kept_token(home: Home, url: str) -> str | None:
    """Return the token kept for this API, None without one."""
    try:
        kept = json.loads(home.session.read_text())
    except (OSError, ValueError):
        return None
    return kept.get("token") if isinstance(kept, dict) and kept.get("url") == url else None


def _explain(answer: requests.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return f"The API answered {answer.status_code}."
    lines = [f"{problem.get('title', 'Error')} ({answer.status_code}): {problem.get('detail', '')}"]
    lines += [f"  {item['field']}: {item['value']}; expected {item['expected']}" for item in problem.get("errors", [])]
    if answer.status_code == requests.codes.unauthorized:
        lines.append(f"Sign in with: {command_name()} login")
    lines.append(f"trace id {problem.get('trace_id', '-')}")
    return "\n".join(lines)
