"""What a call's end tells of the broker: it works, it does not, or nothing (R26)."""

import pytest

from domain.breaker import Contact, contact_of


@pytest.mark.parametrize(
    ("reason_code", "contact"),
    [
        (None, Contact.ANSWERED),
        # a refusal is an answer
        ("insufficient_buying_power", Contact.ANSWERED),
        ("broker_unauthorized", Contact.ANSWERED),
        ("duplicate_client_order_id", Contact.ANSWERED),
        ("not_found", Contact.ANSWERED),
        ("http_403", Contact.ANSWERED),
        ("http_422", Contact.ANSWERED),
        # a limit may answer for a broker that does not
        ("rate_limited", Contact.SILENT),
        ("http_429", Contact.SILENT),
        ("timeout", Contact.FAILED),
        ("connection_lost", Contact.FAILED),
        ("connection_refused", Contact.FAILED),
        ("unreachable", Contact.FAILED),
        ("unreadable_answer", Contact.FAILED),
        ("http_408", Contact.FAILED),
        ("http_500", Contact.FAILED),
        ("http_504", Contact.FAILED),
    ],
)
def test_how_a_call_ended_says_whether_the_broker_works(reason_code: str | None, contact: Contact) -> None:
    assert contact_of(reason_code) is contact
