"""A year of orders with their events, made inside Postgres: what happened to an order follows from its number.

Loading steps around what the running system may never: foreign keys are not asked (`session_replication_role`), and
months that are over get partitions. The rows themselves are as the house writes them.
"""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

from bench.record.server import Server

ACCOUNTS = 100
EVENTS_AN_ORDER = 5
"""On average, exactly: of a hundred orders 84 fill (5 events), 12 are cancelled (6), 4 are refused by us (2)."""
_CHUNK = 20_000
_LOADERS = 2

_MAKE_ACCOUNTS = """
INSERT INTO trading.accounts (
  account_id, name, broker, base_url, key_fingerprint, account_type, account_type_source, enabled)
SELECT md5('account ' || n)::uuid, 'record-' || n, 'alpaca', 'http://127.0.0.1', 'none',
       CASE WHEN n %% 10 < 3 THEN 'live' ELSE 'paper' END, 'detected', true
  FROM generate_series(1, %(accounts)s) n
"""

_MAKE_PARTITIONS = """
DO $$
DECLARE
  parent text;
  child text;
  month date;
BEGIN
  SET LOCAL ROLE opitios_owner;
  FOR ago IN 2..12 LOOP
    month := (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => ago))::date;
    FOREACH parent IN ARRAY ARRAY['order_events', 'operations'] LOOP
      child := format('%s_%s', parent, to_char(month, 'YYYYMM'));
      CONTINUE WHEN to_regclass(format('audit.%I', child)) IS NOT NULL;
      EXECUTE format('CREATE TABLE audit.%I PARTITION OF audit.%I FOR VALUES FROM (%L) TO (%L)',
                     child, parent, month, (month + interval '1 month')::date);
      EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON audit.%I '
                     'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', child);
      EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER refuse_truncate', child);
    END LOOP;
  END LOOP;
END
$$
"""

_LOAD = """
WITH numbered AS (
  SELECT n, md5(n::text) AS h, hashint8(n) & 65535 AS chance,
         %(began)s + (%(ended)s - %(began)s) * ((n - %(first)s)::float8 / %(count)s) AS at
    FROM generate_series(%(low)s::bigint, %(high)s::bigint) n
), fated AS (
  SELECT *, md5('account ' || 1 + chance %% %(accounts)s)::uuid AS account_id,
         CASE WHEN n %% 100 < 84 THEN 'filled' WHEN n %% 100 < 96 THEN 'canceled' ELSE 'rejected' END AS fate,
         (ARRAY['timeout', 'user', 'closing_window', 'risk'])[1 + n %% 4] AS why,
         round((20 + chance %% 400)::numeric, 2) AS price
    FROM numbered
), placed AS (
  INSERT INTO trading.orders (
    order_id, order_date, account_id, account_type, account_type_source, client_order_id, broker_client_id,
    broker_order_id, request_hash, symbol, asset_class, side, order_type, time_in_force, qty, limit_price, multiplier,
    status, rejected_by, reason_code, reason, filled_qty, filled_avg_price, cancel_reason, place_before, last_seq,
    source, actor, trace_id, requested_at, submitted_at, updated_at)
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(h, 1, 3) || 'a'
            || substr(h, 4, 15))::uuid,
         (at AT TIME ZONE 'UTC')::date, account_id, a.account_type, a.account_type_source, 'record-' || n, h, h,
         sha256(h::bytea), (ARRAY['AAPL', 'MSFT', 'TSLA', 'SPY', 'F', 'BAC', 'KO', 'NVDA'])[1 + chance %% 8],
         'us_equity', CASE WHEN n %% 2 = 0 THEN 'buy' ELSE 'sell' END, 'limit', 'day', 10, price, 1, fate,
         CASE fate WHEN 'rejected' THEN 'opitios' END,
         CASE fate WHEN 'rejected' THEN 'insufficient_balance' END,
         CASE fate WHEN 'rejected' THEN 'costs more than is free' END,
         CASE fate WHEN 'filled' THEN 10 ELSE 0 END, CASE fate WHEN 'filled' THEN price END,
         CASE fate WHEN 'canceled' THEN why END, at + interval '1 hour',
         CASE fate WHEN 'filled' THEN 5 WHEN 'canceled' THEN 6 ELSE 2 END, 'api', 'trader', h, at,
         at + interval '20 ms', at + interval '1 s'
    FROM fated JOIN trading.accounts a USING (account_id)
  RETURNING *
)
INSERT INTO audit.order_events (
  order_date, order_id, seq, account_id, account_type, account_type_source, event_type, stage, success, reason_code,
  reason, started_at, occurred_at, total_ms, network_ms, source, actor, host, process, trace_id, detail)
SELECT p.order_date, p.order_id, s.seq, p.account_id, p.account_type, p.account_type_source, s.event_type, s.stage,
       s.event_type <> 'rejected', CASE WHEN s.says_why THEN p.reason_code END,
       CASE WHEN s.says_why THEN coalesce(p.reason, p.cancel_reason) END, p.requested_at,
       p.requested_at + s.after * interval '1 ms',
       CASE WHEN s.timed THEN (hashtext(p.trace_id || s.seq) & 65535) / 1000.0 END,
       CASE WHEN s.timed AND s.stage <> 'claim' THEN (hashtext(p.trace_id || s.seq) & 32767) / 1000.0 END,
       p.source, p.actor, 'host-1', s.process, p.trace_id,
       CASE s.stage
         WHEN 'claim' THEN jsonb_build_object('checks', jsonb_build_object('minimum_balance', jsonb_build_object(
           'decision', 'allow', 'cash', p.limit_price * 5000, 'reserved', p.limit_price * 10, 'minimum', 1000,
           'order_cost', p.limit_price * p.qty), 'price', jsonb_build_object('decision', 'allow')))
         WHEN 'request' THEN jsonb_build_object('symbol', p.symbol, 'side', p.side, 'qty', p.qty,
           'order_type', p.order_type, 'limit_price', p.limit_price, 'client_order_id', p.client_order_id)
         ELSE jsonb_build_object('broker_request_id', p.trace_id, 'broker_order_id', p.broker_order_id,
           'broker_status', s.event_type, 'filled_qty', p.filled_qty, 'price', p.limit_price)
       END
  FROM placed p
  JOIN (VALUES
    ('filled', 1, 'requested', 'request', 0, true, false, 'api'),
    ('filled', 2, 'submitting', 'claim', 4, true, false, 'worker-entries'),
    ('filled', 3, 'accepted', 'place', 20, true, false, 'worker-entries'),
    ('filled', 4, 'partially_filled', 'fill', 400, false, false, 'worker-background'),
    ('filled', 5, 'filled', 'fill', 900, false, false, 'worker-background'),
    ('canceled', 1, 'requested', 'request', 0, true, false, 'api'),
    ('canceled', 2, 'submitting', 'claim', 4, true, false, 'worker-entries'),
    ('canceled', 3, 'accepted', 'place', 20, true, false, 'worker-entries'),
    ('canceled', 4, 'cancel_requested', 'cancel', 600, false, true, 'api'),
    ('canceled', 5, 'cancel_sent', 'cancel', 620, true, false, 'worker-exits'),
    ('canceled', 6, 'canceled', 'poll', 950, false, false, 'worker-background'),
    ('rejected', 1, 'requested', 'request', 0, true, false, 'api'),
    ('rejected', 2, 'rejected', 'claim', 4, true, true, 'worker-entries')
  ) AS s (status, seq, event_type, stage, after, timed, says_why, process) USING (status)
"""  # steps of an order: when (ms), whether its duration is known, whether it says why


@dataclass(frozen=True, slots=True)
class Span:
    """Orders by number, spread evenly over a stretch of time within one month."""

    first: int
    count: int
    began: dt.datetime
    ended: dt.datetime

    def chunks(self, size: int) -> Iterator[dict[str, object]]:
        """Give the parameters of one statement each."""
        common = {"first": self.first, "count": self.count, "began": self.began, "ended": self.ended}
        for low in range(self.first, self.first + self.count, size):
            high = min(low + size, self.first + self.count) - 1
            yield common | {"low": low, "high": high, "accounts": ACCOUNTS}


def prepare(server: Server) -> None:
    """Make the accounts, and the partitions of the months behind."""
    with server.superuser() as connection:
        connection.execute(_MAKE_ACCOUNTS, {"accounts": ACCOUNTS})
        connection.execute(_MAKE_PARTITIONS)


def fill_this_month(server: Server, events: int, now: dt.datetime) -> None:
    """Load events of the month that goes on, in as many transactions as sealing cuts them into."""
    count = events // EVENTS_AN_ORDER
    began = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    _load(server, [Span(0, count, began, now)], max(100, count // 100))


def fill_months_before(server: Server, events: int, now: dt.datetime, *, beyond: int) -> None:
    """Load events of the eleven months before, evenly; `beyond` events are there already."""
    count, first = events // EVENTS_AN_ORDER // 11, beyond // EVENTS_AN_ORDER
    began = months_before(now, 12)
    spans = [Span(first + place * count, count, *ends) for place, ends in enumerate(pairwise(began))]
    _load(server, spans, _CHUNK)


def settle(server: Server) -> None:
    """Do what autovacuum would within the hour, so that it is not what is measured."""
    with server.superuser() as connection:
        connection.execute("VACUUM (ANALYZE) trading.orders, audit.order_events")
        connection.execute("CHECKPOINT")


def months_before(now: dt.datetime, count: int) -> list[dt.datetime]:
    """Return when the last `count` months began, the oldest first, this one last."""
    number = now.year * 12 + now.month - 1
    return [
        dt.datetime(month // 12, month % 12 + 1, 1, tzinfo=dt.UTC) for month in range(number - count + 1, number + 1)
    ]


def _load(server: Server, spans: list[Span], size: int) -> None:
    chunks = [chunk for span in spans for chunk in span.chunks(size)]
    shares = [chunks[len(chunks) * turn // _LOADERS : len(chunks) * (turn + 1) // _LOADERS] for turn in range(_LOADERS)]
    with ThreadPoolExecutor(_LOADERS) as loaders:
        list(loaders.map(lambda share: _load_share(server, share), shares))


def _load_share(server: Server, chunks: list[dict[str, object]]) -> None:
    with server.superuser() as connection:
        connection.execute("SET session_replication_role = replica")  # foreign keys: the rows are made together
        connection.execute("SET synchronous_commit = off")
        for chunk in chunks:
            connection.execute(_LOAD, chunk)
