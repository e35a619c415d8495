"""Our id at the broker."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import broker_client_id


@given(st.uuids())
def test_our_id_is_as_long_as_every_broker_takes_and_leads_back_to_the_order(order_id: uuid.UUID) -> None:
    text = broker_client_id(order_id)

    assert len(text) == 36
    assert uuid.UUID(text.removeprefix("opt-")) == order_id
