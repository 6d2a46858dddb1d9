"""Start calling: from Home into the dialer by one press, over a list that is there or one made of who is ready."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import access_of
from accounts.models import User
from campaigns.dialing.lists import close_list, pause_list
from campaigns.dialing.starting import start_calling
from campaigns.models import Campaign, Member
from campaigns.planning.refusals import CampaignError
from leads.models import Lead
from operations import home
from tests.admin_site import member, signed_in
from tests.campaigns.dialing.world import Floor, make_floor
from tests.leads.samples import together

pytestmark = pytest.mark.django_db
START = "/admin/campaigns/callattempt/dialer/start/"
TODAY = "Ready to call, Sep 15, 2026"


@pytest.fixture
def floor(settings: Any) -> Floor:
    made = make_floor(4, settings)
    User.objects.update(is_staff=True)
    return made


def refused(floor: Floor, person: Any) -> str:
    with pytest.raises(CampaignError) as error:
        start_calling(person)
    return error.value.code


@pytest.mark.long
def test_one_press_makes_a_list_of_who_is_ready_and_puts_the_first_before_her(floor: Floor) -> None:
    Lead.objects.filter(pk=floor.leads[2].pk).update(estimated_equity=400_000)
    client = signed_in(floor.ann)
    assert 'id="start-calling"' in client.get("/admin/").content.decode()

    page = client.post(START, follow=True)

    made = Campaign.objects.get()
    assert (made.name, made.channel, made.status, made.members) == (TODAY, "call", "running", 4)
    assert made.audience["view"] == {"name": "Ready to call", "query": "contactable=true"}
    assert page.redirect_chain == [(f"/admin/campaigns/callattempt/dialer/?list={made.pk}", 302)]
    assert "Made a call list of 4 people ready to call, most equity first." in page.content.decode()
    assert Member.objects.get(taken_by=floor.ann).lead == floor.leads[2]
    home_page = client.get("/admin/").content.decode()
    assert f"From {TODAY}." in home_page and ">4</a>" in home_page


def test_the_next_press_goes_on_with_the_list_and_a_closed_one_is_left_alone(floor: Floor) -> None:
    first = start_calling(floor.manager)
    assert (first.made, first.added, len(first.lists)) == (True, 4, 1)
    again = start_calling(floor.manager)
    assert (again.made, again.lists) == (False, first.lists)
    pause_list(floor.manager, first.lists[0])
    assert start_calling(floor.manager).lists == first.lists
    close_list(floor.manager, first.lists[0])
    second = start_calling(floor.manager)
    assert Campaign.objects.get(pk=second.lists[0]).name == f"{TODAY} (2)"


def test_who_has_become_ready_since_is_put_on_todays_list(floor: Floor) -> None:
    Lead.objects.filter(pk=floor.leads[0].pk).update(status="contacted")
    (only,) = start_calling(floor.manager).lists
    assert Campaign.objects.get(pk=only).members == 3
    Member.objects.update(status=Member.Status.DONE, next_at=None)
    Lead.objects.filter(pk=floor.leads[0].pk).update(status="new")

    more = start_calling(floor.manager)

    assert (more.lists, more.added, more.made) == ([only], 1, False)
    Member.objects.update(status=Member.Status.DONE, next_at=None)
    assert refused(floor, floor.manager) == "NOBODY"


def test_a_caller_works_an_open_list_and_makes_none(floor: Floor) -> None:
    client = signed_in(floor.callers[0])
    assert 'id="start-calling"' not in client.get("/admin/").content.decode()
    assert refused(floor, floor.caller(0)) == "FORBIDDEN"
    assert client.post(START).headers["Location"] == "/admin/"
    made = floor.list()

    assert client.post(START).headers["Location"] == f"/admin/campaigns/callattempt/dialer/?list={made.pk}"
    assert Member.objects.get(taken_by=floor.callers[0]).campaign_id == made.pk
    reader = member(floor.bucket.team, "reader")[1]
    assert reader.post(START).status_code == 403
    assert 'id="start-calling"' not in reader.get("/admin/").content.decode()
    assert Campaign.objects.count() == 1


def test_home_offers_no_start_where_nobody_waits_on_her_lists(floor: Floor) -> None:
    client, made = signed_in(floor.callers[0]), floor.list()
    page = client.get("/admin/").content.decode()
    assert 'id="start-calling"' in page and f"From {made.name}." in page
    Member.objects.update(status=Member.Status.DONE, next_at=None)

    page = client.get("/admin/").content.decode()

    assert 'id="start-calling"' not in page and made.name not in page
    assert refused(floor, floor.caller(0)) == "FORBIDDEN"


def test_home_counts_what_is_each_persons(floor: Floor) -> None:
    Lead.objects.filter(pk=floor.leads[1].pk).update(assigned_to=floor.callers[0])
    told = {name: home.today(access_of(user, floor.team_id)) for name, user in
            {"ann": floor.ann, "one": floor.callers[0], "two": floor.callers[1]}.items()}  # fmt: skip
    assert {name: str(one.ready) for name, one in told.items() if one} == {"ann": "4", "one": "1", "two": "0"}
    assert home.month(floor.caller(0)) is None
    stages = {stage.words: stage.many for stage in home.pipeline(floor.manager)}
    assert (stages["New"], sum(stages.values())) == (4, 4)
    assert home.pipeline(floor.caller(0))[0].many == 1


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_lead_to_one_list(floor: Floor) -> None:
    found = together(lambda: start_calling(floor.manager), lambda: start_calling(floor.manager))

    assert Campaign.objects.count() == 1 and Campaign.objects.get().members == 4
    assert {one.lists[0] for one in found} == {Campaign.objects.get().pk}
