"""Runs the API: `python -m api`; loopback by default, access lines off (every order has its own line)."""

import sys

import uvicorn

from api.main import create_app
from config.logging import setup_logging
from config.settings import load_settings


def main() -> int:
    """Serve until SIGTERM; 1 and a sentence without the key that signs tokens."""
    settings = load_settings()
    if not settings.jwt_secret.get_secret_value():
        sys.stderr.write("api: nothing to sign tokens with: set OPITIOS_JWT_SECRET, at least 32 characters\n")
        return 1
    setup_logging(settings)
    uvicorn.run(
        create_app(settings, live=True),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # no caller is trusted for its address
        timeout_graceful_shutdown=5,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
