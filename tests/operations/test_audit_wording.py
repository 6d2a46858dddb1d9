"""How the audit's page puts an event's values: a person's words, and nothing that says nothing."""

from __future__ import annotations

from accounts.models import AuditEvent
from operations.audit.wording import object_of, told


def test_an_event_is_called_by_its_words():
    assert str(AuditEvent(action="webhook.created", user_name="ann")) == "Webhook created by ann"
    assert str(AuditEvent(action="audit.dropped")) == "Audit log: old months deleted"


def test_values_are_written_as_a_person_would() -> None:
    values = {"max_cost": "200.0000", "leads": 2000, "team": None, "scopes": ["read", "export"], "is_masked": True}

    assert list(told(values)) == [
        "Spending limit: $200.00",
        "Leads: 2,000",
        "Scopes: read, export",
        "Contacts hidden: Yes",
    ]
    assert list(told({"expires": "2027-02-28T07:32:04.563292+00:00", "addresses": []})) == [
        "Expires: Sun, Feb 28, 2027, 7:32 AM UTC"
    ]
    assert list(told({"price": "0.0125", "roles": {"ann": "buyer"}})) == ["Price: $0.0125", "Roles: ann buyer"]
    assert list(told(None)) == []


def test_an_object_has_the_name_pages_call_it_by() -> None:
    assert object_of(AuditEvent(kind="run", object_id="7", object_name="King County")) == "Enrichment job King County"
    assert object_of(AuditEvent(kind="", object_id="", object_name="demo")) == "demo"
    assert object_of(AuditEvent(kind="", object_id="")) == "–"
