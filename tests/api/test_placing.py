"""What a stored order carries besides its terms."""

import datetime as dt
import uuid

import pytest

from tests.support.desk import Desk
from tests.support.serving import Caller


@pytest.mark.parametrize(
    ("terms", "patience"),
    [({}, dt.timedelta(seconds=60)), ({"type": "limit", "limit_price": "100"}, dt.timedelta(hours=8))],
    ids=["market", "limit"],
)
def test_an_order_says_until_when_it_may_be_placed(
    desk: Desk, client: Caller, terms: dict[str, str], patience: dt.timedelta
) -> None:
    body = {"account": desk.account, "symbol": "AAPL", "side": "buy", "qty": "1", "client_order_id": desk.account}
    answer = client.post("/api/v1/orders", json=body | terms)
    row = desk.row(uuid.UUID(answer.headers["Location"].rpartition("/")[2]))
    assert row["place_before"] - row["requested_at"] == patience
