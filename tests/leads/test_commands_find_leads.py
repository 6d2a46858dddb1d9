from datetime import UTC, datetime
from typing import Any

import pytest

from leads.models import Lead
from tests.command_line import assert_refused, run
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    """Three leads of Ann, one of Bob."""
    ann = make_user("ann")
    leads = [*make_leads(3, by=ann, name="King")[1], *make_leads(1, by=make_user("bob"), first=9)[1]]
    for lead, equity in zip(leads, (5, None, 7, 9), strict=True):
        facts = {"owner_name": "Jo Smith", "property_address": "12 Main St", "phone": "+12065550142"}
        Lead.objects.filter(pk=lead.pk).update(**facts, estimated_equity=equity)
    return ann


def ids(*arguments: str) -> list[str]:
    return [lead["propertyId"] for lead in run("find_leads", *arguments, "--user", "ann", "--json").json["leads"]]


def test_ones_own_leads_are_found_sorted_and_filtered(ann: Any) -> None:
    assert ids("smith") == ids() == ["3", "2", "1"]
    assert ids("smith", "--sort=-estimatedEquity") == ids("--sort=-estimatedEquity") == ["3", "1", "2"]
    assert ids("smith", "--where", "estimatedEquityMin=6", "--where", "match=any") == ["3"]
    assert ids("smith", "--limit", "1", "--bucket", str(Lead.objects.filter(owner=ann)[0].bucket_id)) == ["3"]
    assert ids("nobody") == []


def test_by_phone_but_not_for_a_member_whose_contacts_are_masked(ann: Any) -> None:
    assert ids("0142") == ["3", "2", "1"]
    ann.memberships.update(is_masked=True)
    assert ids("0142") == []
    ann.memberships.update(is_masked=False)
    assert ids("0142") == ["3", "2", "1"]
    line = run("find_leads", "206 555 0142", "--user", "ann", "--limit", "1").out.strip()
    assert line.endswith("  12 Main St, Jo Smith, •••• 0142, King")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "501"], "--limit takes 1 to 500."),
        (["--sort", "nothing"], "Sort by one of: estimatedValue,"),
        (["--where", "x=1"], "There is no such filter."),
        (["--bucket", "7"], "'7' is not the id of a bucket."),
    ],
)
def test_what_cannot_be_read_is_refused(ann: Any, arguments: list[str], words: str) -> None:
    ran = run("find_leads", "smith", "--user", "ann", *arguments)
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err


def test_somebody_elses_bucket_is_not_there(ann: Any) -> None:
    theirs = Lead.objects.exclude(owner=ann).get().bucket_id
    assert_refused(run("find_leads", "--user", "ann", "--bucket", str(theirs)), f"ann has no bucket {theirs}.")


def test_a_time_is_told_as_json(ann: Any) -> None:
    Lead.objects.update(last_contact_at=datetime(2026, 11, 1, tzinfo=UTC))
    first = run("find_leads", "--user", "ann", "--json").json["leads"][0]
    assert (first["lastContactAt"], first["phone"]) == ("2026-11-01T00:00:00Z", "•••• 0142")
