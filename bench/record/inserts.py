"""Fifty writers at once, in pairs: into the tables as they are, sealed meanwhile, and into bare copies of them.

A copy has the same columns, keys, indexes, foreign keys and rows; it lacks what makes the trail a trail: partitions,
triggers, the index of transactions, and the sealer. The statement is the one that stores an order with its first event.
"""

import re
import tempfile
from pathlib import Path

from bench.record.fill import ACCOUNTS
from bench.record.server import Server
from services import orders

WRITERS = 50

_COPY = """
DROP SCHEMA IF EXISTS bare CASCADE;
CREATE SCHEMA bare;
CREATE TABLE bare.orders (LIKE trading.orders INCLUDING ALL);
CREATE TABLE bare.order_events (LIKE audit.order_events INCLUDING ALL);
DO $$
BEGIN
  EXECUTE (SELECT 'DROP INDEX ' || string_agg(indexrelid::regclass::text, ', ')
             FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = c.relam
            WHERE indrelid = 'bare.order_events'::regclass AND a.amname = 'brin');
END
$$;
ALTER TABLE bare.orders ADD FOREIGN KEY (account_id) REFERENCES trading.accounts,
                        ADD FOREIGN KEY (replaces) REFERENCES bare.orders;
INSERT INTO bare.orders SELECT * FROM trading.orders;
INSERT INTO bare.order_events SELECT * FROM audit.order_events;
ALTER TABLE bare.order_events ADD FOREIGN KEY (order_id, order_date) REFERENCES bare.orders (order_id, order_date);
GRANT USAGE ON SCHEMA bare TO opitios_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA bare TO opitios_app;
"""

_NOW = "clock_timestamp()"
_ACCOUNT = "md5('account ' || :account::text)::uuid"
# as config/ids.py makes them: rising with time, so that they meet an index at its end
_RISING_ID = f"""(lpad(to_hex((extract(epoch FROM {_NOW}) * 1000)::bigint), 12, '0')
  || substr(md5(random()::text || :client_id::text), 1, 20))::uuid"""
_VALUES = {
    "order_id": _RISING_ID,
    "order_date": f"({_NOW} AT TIME ZONE 'UTC')::date",
    "account_id": _ACCOUNT,
    "account_type": "'paper'",
    "account_type_source": "'detected'",
    "client_order_id": "gen_random_uuid()::text",
    "broker_client_id": "gen_random_uuid()::text",
    "request_hash": "sha256('request')",
    "symbol": "'AAPL'",
    "asset_class": "'us_equity'",
    "side": "'buy'",
    "order_type": "'limit'",
    "time_in_force": "'day'",
    "qty": "10",
    "limit_price": "187.5",
    "extended_hours": "false",
    "multiplier": "1",
    "place_before": f"{_NOW} + interval '1 hour'",
    "source": "'api'",
    "actor": "'trader'",
    "trace_id": "md5(:client_id::text)",
    "requested_at": _NOW,
    "event_type": "'requested'",
    "total_ms": "1.234",
    "host": "'host-1'",
    "process": "'api'",
    "detail": """'{"symbol": "AAPL", "side": "buy", "qty": "10", "limit_price": "187.5", "order_type": "limit"}'""",
}


def copy_bare(server: Server) -> None:
    """Make the copies, with the rows that are there."""
    with server.superuser() as connection:
        connection.execute(_COPY)
        connection.execute("VACUUM (ANALYZE) bare.orders, bare.order_events, trading.orders, audit.order_events")


def inserts_per_s(server: Server, *, bare: bool, seconds: int, writers: int = WRITERS) -> float:
    """Return orders with their first event a second, each committed to the disk."""
    with server.superuser() as connection:
        connection.execute("CHECKPOINT")  # every run begins with the same debts
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "order.sql"
        script.write_text(f"\\set account random(1, {ACCOUNTS})\n{_statement(bare=bare)};\n")
        return server.pgbench(script, clients=writers, seconds=seconds)


def _statement(*, bare: bool) -> str:
    statement = orders._INSERT  # noqa: SLF001  the very statement, so that what is measured stays what runs
    if bare:
        statement = statement.replace("trading.orders", "bare.orders").replace(
            "audit.order_events", "bare.order_events"
        )
    return re.sub(r"%\((\w+)\)s", lambda name: _VALUES.get(name[1], "NULL"), statement)
