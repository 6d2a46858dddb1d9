from datetime import timedelta

import pytest
from django.utils import timezone

from leads.models import Lead
from tests.command_line import assert_refused, run
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def leads():
    """Of Ann: one due, one due longer, one to come; of Bob one due."""
    ann, bob = make_user("ann", time_zone="America/Phoenix"), make_user("bob")
    leads = [*make_leads(4, by=ann, name="King")[1], *make_leads(1, by=bob, first=9)[1]]
    now = timezone.now()
    for lead, hours in zip(leads, (-1, -2, 1, None, -1), strict=True):
        Lead.objects.filter(pk=lead.pk).update(callback_at=hours and now + timedelta(hours=hours))
    facts = {"owner_name": "Jo Smith", "property_address": "12 Main St", "phone": "+12065550142"}
    Lead.objects.filter(pk=leads[1].pk).update(**facts, phone_do_not_call=True)
    return leads


def test_due_ones_are_listed_those_that_wait_longest_first(leads):
    ran = run("callbacks", "--user", "ann")

    first, second = ran.out.splitlines()
    assert (ran.status, ran.err) == (0, "")
    assert first.endswith(f" MST  {leads[1].pk}  Jo Smith, 12 Main St, •••• 0142 (do not call), King")
    assert second.endswith(f"  {leads[0].pk}  Property 1, King")


def test_json_says_the_same(leads):
    first, second = run("callbacks", "--user", "ann", "--json").json["callbacks"]

    assert (first["leadId"], second["leadId"]) == (str(leads[1].pk), str(leads[0].pk))
    assert (first["phone"], first["phoneDoNotCall"], first["ownerName"]) == ("•••• 0142", True, "Jo Smith")
    assert (second["phone"], second["bucketName"]) == (None, "King")


def test_nobody_of_that_name(db):
    assert_refused(run("callbacks", "--user", "eve"), "There is no user 'eve': create_api_token eve makes one.")
