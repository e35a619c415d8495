"""A stream that is away is seen: in health after a quarter of a minute, as an alert after half a one (MON-001)."""

from services.alerts import open_alerts
from services.leases import take_lease
from services.streams import StreamedAccount, begin_stream, down_streams, read_streams
from tasks.context import Context
from tasks.stream_alerts import STREAM_DOWN, watch_streams
from tests.support.house import Bed, account_of


def alerts(ctx: Context) -> set[str]:
    """Return the accounts that have the alert."""
    with ctx.database.statement() as unit:
        return {alert.subject for alert in open_alerts(unit) if alert.kind == STREAM_DOWN}


def away_for(ctx: Context, quay: Bed, seconds: int) -> None:
    """Let the account's stream have been away for so long."""
    with quay.servers.connect() as connection:
        connection.execute(
            "UPDATE trading.accounts SET created_at = clock_timestamp() - make_interval(secs => %s) WHERE name = %s",
            [seconds, account_of(ctx).name],
        )


def test_a_stream_that_is_away_is_down_then_an_alert_and_resolved_when_it_comes(quay: Bed) -> None:
    ctx = quay.context()
    account = account_of(ctx)
    with ctx.database.statement() as unit:
        before = read_streams(unit)
        away_for(ctx, quay, 20)
        assert read_streams(unit).down == before.down + 1
        assert account.name not in down_streams(unit)
    away_for(ctx, quay, 40)
    watch_streams(ctx)
    assert account.name in alerts(ctx)

    streamed = StreamedAccount(account.account_id, account.name)
    with ctx.database.unit() as unit:
        assert not begin_stream(unit, streamed, "streams:1")  # nobody connects without the lease
        assert take_lease(unit, streamed.lease, "streams:1", 30)
        assert begin_stream(unit, streamed, "streams:1")
    watch_streams(ctx)
    assert account.name not in alerts(ctx)
