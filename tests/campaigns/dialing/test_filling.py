"""A large list is filled by a worker, a piece at a time: whole, once each, whoever dies over it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import AuditEvent, User
from campaigns.dialing import filling, lists
from campaigns.models import Campaign, ListFill, Member
from campaigns.planning.audience import Audience
from campaigns.planning.refusals import CampaignError
from campaigns.sending.lifecycle import complete_campaigns
from leads.models import Lead
from leads.services import edit_lead
from tests.campaigns.dialing.test_api import Api
from tests.campaigns.dialing.world import Floor, make_floor, offer
from tests.campaigns.sending.world import number_of
from tests.leads.samples import together

pytestmark = pytest.mark.django_db(transaction=True)
LEADS = 5


@pytest.fixture
def floor(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """Five leads are many here, and a worker adds two at a time; none of them is announced to a worker."""
    monkeypatch.setattr(filling, "AT_ONCE", 2)
    monkeypatch.setattr(filling, "PIECE", 2)
    monkeypatch.setattr(filling, "enqueue_on_commit", lambda *_, **__: None)
    return make_floor(LEADS, settings)


def make(floor: Floor, **more: Any) -> tuple[Campaign, ListFill]:
    return lists.create_list(floor.manager, lists.ListPlan("Monday", Audience(bucket_id=floor.bucket.pk), **more))


def one_piece(fill: ListFill) -> None:
    """By a worker that ends in good order after it."""
    assert filling._next_piece(fill) is not None
    ListFill.objects.filter(pk=fill.pk).update(lease_until=None)


def on_it(made: Campaign) -> list[Any]:
    return list(Member.objects.filter(campaign=made).order_by("next_at").values_list("lead_id", flat=True))


def test_a_large_list_is_filled_by_a_worker_and_opened_when_whole(floor: Floor, client: Any) -> None:
    ann = Api(client, floor.ann)
    edit_lead(lead=floor.leads[3], by=floor.ann, changes={"phone": number_of(0)})
    given = ann("post", "call-lists", {"name": "Monday", "bucketId": str(floor.bucket.pk)}, 202)
    one, filled = given["callList"]["id"], {"leads": 5, "people": 0, "noPhone": 0, "sameOwner": 0}
    assert given["added"] == filled
    assert given["callList"]["filling"] == {**filled, "done": 0, "error": ""}
    refused = ann("post", f"call-lists/{one}/open", {}, 409)["error"]
    assert refused["code"] == "FILLING" and "0 of 5" in refused["message"]
    assert ann("post", f"call-lists/{one}/leads", {}, 409)["error"]["code"] == "FILLING"
    (fill_id,) = filling.waiting()
    one_piece(ListFill.objects.get(pk=fill_id))
    assert ann("get", f"call-lists/{one}")["callList"]["filling"]["done"] == 2
    assert filling.continue_fill(fill_id) is False and filling.waiting() == []  # all the others
    made = ann("get", f"call-lists/{one}")["callList"]
    assert (made["people"], made["filling"]) == (4, None)
    done = ListFill.objects.get(pk=fill_id)
    assert (done.done, done.people, done.same_owner, done.lead_ids) == (5, 4, 1, [])
    assert AuditEvent.objects.get(action="call_list.filled").after == {"people": 4, "leads": 5}
    assert on_it(Campaign.objects.get(pk=one)) == [floor.leads[place].pk for place in (0, 1, 2, 4)]
    assert ann("post", f"call-lists/{one}/open", {})["callList"]["status"] == "running"
    assert offer(floor.caller()).lead == floor.leads[0]
    add = {"leadIds": [str(floor.leads[3].pk)]}
    assert ann("post", f"call-lists/{one}/leads", add)["added"]["sameOwner"] == 1  # few: at once
    assert ann("post", f"call-lists/{one}/leads", {}, 202)["added"]["people"] == 0


def test_a_worker_that_dies_in_a_piece_has_added_nobody_and_another_goes_on(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, fill = make(floor, priority="equity")
    insert, calls = filling._insert, []

    def dies(*given: Any) -> Any:
        calls.append(insert(*given))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return calls[-1]

    monkeypatch.setattr(filling, "_insert", dies)
    with pytest.raises(KeyboardInterrupt):
        filling.continue_fill(fill.pk)
    left = ListFill.objects.get(pk=fill.pk)
    assert (left.done, left.people, len(on_it(made))) == (2, 2, 2)
    assert filling.continue_fill(fill.pk) is False and len(on_it(made)) == 2  # it has its lease for a minute
    ListFill.objects.update(lease_until=None)
    assert filling.waiting() == [fill.pk]
    filling.continue_fill(fill.pk)
    made.refresh_from_db()
    assert made.members == len(on_it(made)) == LEADS and filling.at_work_on(made.pk) is None
    assert filling.continue_fill(fill.pk) is False


def test_of_two_workers_at_one_piece_one_adds_it(floor: Floor) -> None:
    made, fill = make(floor)
    ListFill.objects.filter(pk=fill.pk).update(tries=1)
    read = ListFill.objects.get(pk=fill.pk)
    found = together(*[partial(filling._next_piece, read)] * 4)
    assert sum(one is not None for one in found) == 1
    made.refresh_from_db()
    assert made.members == len(on_it(made)) == 2


def test_five_dead_workers_end_it_and_what_is_there_may_be_called(floor: Floor) -> None:
    made, fill = make(floor)
    one_piece(fill)
    ListFill.objects.update(tries=filling.TRIES)
    assert filling.continue_fill(fill.pk) is False
    told = filling.latest_of(made.pk)
    assert told is not None and "Add new matches" in told.error and filling.at_work_on(made.pk) is None
    assert lists.open_list(floor.manager, made.pk).members == 2


def test_a_list_that_is_closed_or_deleted_meanwhile_gets_nobody_else(floor: Floor) -> None:
    made, fill = make(floor)
    one_piece(fill)
    lists.close_list(floor.manager, made.pk)
    assert filling._next_piece(ListFill.objects.get(pk=fill.pk)) is None
    assert filling.waiting() == [] and len(on_it(made)) == 2
    other, its = lists.create_list(floor.manager, lists.ListPlan("Two", Audience(bucket_id=floor.bucket.pk)))
    lists.delete_list(floor.manager, other.pk)
    assert filling.continue_fill(its.pk) is False and not ListFill.objects.filter(pk=its.pk).exists()


def test_an_open_list_goes_on_while_leads_are_added_and_does_not_end(floor: Floor) -> None:
    made, _ = lists.create_list(
        floor.manager, lists.ListPlan("Monday", Audience(lead_ids=(floor.leads[0].pk,), limit=1))
    )
    lists.open_list(floor.manager, made.pk)
    fill = lists.add_leads(floor.manager, made.pk, Audience(bucket_id=floor.bucket.pk))
    Member.objects.filter(campaign=made).update(status=Member.Status.DONE, next_at=None)
    assert complete_campaigns() == 0
    Lead.objects.filter(pk=floor.leads[4].pk).delete()
    filling.continue_fill(fill.pk)
    assert filling.latest_of(made.pk).no_phone == 1  # type: ignore[union-attr]  # it is gone
    assert offer(floor.caller()).lead == floor.leads[1]


def test_more_than_a_list_may_hold_is_refused_and_leaves_nothing(floor: Floor, monkeypatch: Any) -> None:
    monkeypatch.setattr(filling, "MOST", 4)
    with pytest.raises(CampaignError, match="more than 4 leads") as refused:
        make(floor)
    assert refused.value.field == "audience" and not Campaign.objects.exists() and not ListFill.objects.exists()


@pytest.mark.long
def test_the_command_fills_it_and_tells_how_far(floor: Floor, capsys: Any, monkeypatch: Any) -> None:
    make_it = ("call_list", "make", "--user", "ann", "--bucket", str(floor.bucket.pk))
    call_command(*make_it, "--name", "Monday", "--open")
    told = capsys.readouterr()
    assert "Adding leads: 5 of 5" in told.err and "open; 5 people" in told.out and "5 people of 5 leads" in told.out
    monkeypatch.setattr(filling, "continue_fill", lambda _: ListFill.objects.update(error="It stopped.") and False)
    with pytest.raises(CommandError, match="It stopped"):
        call_command(*make_it, "--name", "Two")


def test_its_page_shows_how_far_it_is_and_may_be_opened_at_the_end(floor: Floor, client: Any) -> None:
    User.objects.filter(pk=floor.ann.pk).update(is_staff=True)
    client.force_login(floor.ann)
    said = {"name": "Monday", "whom": f"bucket:{floor.bucket.pk}", "preset": "", "priority": "", "script": ""}
    told = client.post(reverse("admin:campaigns_calllist_add"), said, follow=True).content.decode()

    assert "5 leads are being added" in told and "Adding leads: 0 of 5" in told
    assert "Open when all are added" in told and "Add new matches" not in told
    fill = ListFill.objects.get()
    live = reverse("admin:campaigns_calllist_live", args=[fill.campaign_id]) + "?filling=1"
    one_piece(fill)
    answer = client.get(live)
    assert "Adding leads: 2 of 5. 2 people so far" in answer.content.decode() and "HX-Refresh" not in answer
    filling.continue_fill(fill.pk)
    answer = client.get(live)
    assert answer["HX-Refresh"] == "true" and "Adding leads" not in answer.content.decode()
