"""The list's actions over all that match, and a job's page; and the command."""

import json
import time
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.fresh import SIGNED_IN_AT
from accounts.models import Role
from buckets.models import Bucket
from leads.bulk import services
from leads.fields.definitions import make_field
from leads.models import BulkJob, Lead, Suppression
from tests.admin_site import act, address, hidden, member, sees_contacts, signed_in, staff, words
from tests.leads.bulk.world import hers
from tests.leads.samples import make_leads

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_badge")]
LIST = "/admin/leads/lead/"


@pytest.fixture
def ann() -> Any:
    return staff("ann")


def across(client: Any, action: str, query: str, first: Lead, **data: Any) -> Any:
    """The action over all that the list's address finds."""
    client.cookies.pop("messages", None)
    data |= {"action": action, "_selected_action": [str(first.pk)], "select_across": "1"}
    answer = client.post(f"{address(Lead, 'changelist')}?{query}", data)
    return client.get(answer["Location"]) if "ask=" in answer.headers.get("Location", "") else answer


def test_all_that_match_are_counted_and_an_action_is_a_job_over_them_with_its_undo(ann):
    user, client = ann
    _, leads = make_leads(60, by=user)
    Lead.objects.filter(pk__in=[one.pk for one in leads[:55]]).update(property_state="WA")
    count = client.get(f"{reverse('admin:leads_bulkjob_count')}?propertyState=WA")
    assert count.content.decode() == "Select all 55 that match"
    assert "Select all that match" in client.get(address(Lead, "changelist")).content.decode()
    asked = across(client, "status", "propertyState=WA", leads[0])
    assert "All 55 leads that match the list’s filters" in asked.content.decode()
    assert asked.context["form"]["select_across"].value() == 1
    done = across(client, "status", "propertyState=WA", leads[0], confirmed="yes", expect="55", status="lost")
    job = BulkJob.objects.get()
    assert words(done)[-1].startswith("55 of 55 leads changed to Lost. <a")
    assert (job.filters, Lead.objects.filter(status="lost").count()) == (["propertyState"], 55)
    page = client.get(address(BulkJob, "change", job.pk)).content.decode()
    assert "Changes each lead that still is Lost back to what it was" in page
    client.post(address(BulkJob, "change", job.pk), {"do": "undo"})
    assert Lead.objects.filter(status="lost").count() == 0
    page = client.get(address(BulkJob, "change", job.pk) + "?part=1").content.decode()
    assert "55 leads as before" in " ".join(page.split())
    assert "Change status: Lost" in client.get(address(BulkJob, "changelist")).content.decode()


def test_who_may_do_nothing_to_many_leads_has_no_boxes_to_check(ann):
    user, client = ann
    make_leads(1, by=user)
    _, reads = member(user.memberships.get().team, Role.READER, "rae")
    shown = [who.get(f"{address(Lead, 'changelist')}?view=all").content.decode() for who in (client, reads)]
    assert [page.count('class="action-select"') for page in shown] == [1, 0]


def test_where_others_match_by_the_press_it_is_asked_anew(ann):
    user, client = ann
    _, leads = make_leads(3, by=user)
    again = across(client, "tag", "", leads[0], confirmed="yes", expect="2", tag="Hot")
    assert (again.status_code, BulkJob.objects.count()) == (200, 0)
    assert "All 3 leads that match" in again.content.decode()


def test_a_large_job_leads_to_its_page_which_follows_it(ann, monkeypatch):
    user, client = ann
    monkeypatch.setattr(services, "SOON", 1)
    _, leads = make_leads(2, by=user)
    done = act(client, Lead, "tag", leads, confirmed="yes", tag="Hot")
    job = BulkJob.objects.get()
    assert done.url == address(BulkJob, "change", job.pk)
    page = client.get(done.url).content.decode()
    assert ('hx-trigger="every 2s"' in page, "0 of 2 leads looked at" in page, "Stop" in page) == (True, True, True)
    client.post(done.url, {"do": "cancel"})
    assert BulkJob.objects.get().status == "cancelled"


def test_do_not_contact_shows_the_count_asks_twice_and_has_no_undo(ann):
    user, client = ann
    _, leads = make_leads(2, by=user)
    Lead.objects.filter(pk=leads[0].pk).update(phone="+16175550112")
    first = act(client, Lead, "do_not_contact", leads).content.decode()
    assert ("2 leads" in first, "there is no undo" in first) == (True, True)
    assert "Type the number" not in first and "What they said" not in first
    second = act(client, Lead, "do_not_contact", leads, confirmed="yes", expect="2")
    assert (second.wsgi_request.method, second.wsgi_request.GET["again"]) == ("GET", "1")  # Back sends no form again
    asked = second.content.decode()
    assert all(words_ in asked for words_ in ("2 leads", "What they said", "Type the number of leads"))
    said: dict[str, Any] = {"confirmed": "yes", "reason": "operator", "expect": "2", "again": "1"}
    assert "Type 2 to go on" in act(client, Lead, "do_not_contact", leads, typed="3", **said).content.decode()
    assert not Suppression.objects.exists()
    done = act(client, Lead, "do_not_contact", leads, typed="2", **said)
    assert words(done)[-1].startswith("1 of 2 leads not contacted any more. 1 have no phone and no e-mail. <a")
    page = client.get(address(BulkJob, "change", BulkJob.objects.get().pk)).content.decode()
    assert ("This cannot be undone" in page, 'value="undo"' in page) == (True, False)


def test_enriching_shows_the_price_of_exactly_these_leads_and_buys_by_its_button(ann):
    user, client = ann
    _, leads = make_leads(3, by=user)
    page = act(client, Lead, "enrich", leads[:2], follow=True)
    text = page.content.decode()
    assert ("Enrich 2 leads for up to $0.20" in text, "Nothing is bought before" in text) == (True, True)
    form = page.context["form"]
    said = {name: form[name].value() for name in ("quoted", "once")} | {"skip_trace": "on"}
    job = BulkJob.objects.get()
    address_ = reverse("admin:leads_bulkjob_enrich", args=[job.pk])
    bought = client.post(address_, {**said, "confirmed": "yes"})
    assert bought.url == address(BulkJob, "change", job.pk)
    again = client.post(address_, {**said, "confirmed": "yes"})
    assert words(again)[-1] == "It was started already: nothing is bought twice."
    assert words(client.get(address_))[-1] == "It was started already: nothing is bought twice."
    job.refresh_from_db()
    assert (job.status, len(job.arguments["runs"])) == ("completed", 1)
    assert "Leads: 2 leads" in client.get(bought.url).content.decode()


def test_leads_are_moved_to_a_new_bucket_by_its_name_and_a_second_press_says_what_the_first_did(ann):
    user, client = ann
    bucket, leads = make_leads(3, by=user)
    page = act(client, Lead, "move", leads)
    once = page.context["form"]["once"].value()
    said: dict[str, Any] = {"confirmed": "yes", "once": once, "expect": "3", "bucketName": "Hot ones"}
    assert "one of the two" in act(client, Lead, "move", leads, **said, bucketId=str(bucket.pk)).content.decode()
    assert "one of the two" in act(client, Lead, "move", leads, **said | {"bucketName": ""}).content.decode()
    sent = {"action": "move", "_selected_action": [str(lead.pk) for lead in leads], **said}
    for _ in range(2):  # the second time the bucket that the list shows has none of them
        answer = client.post(f"{address(Lead, 'changelist')}?bucket={bucket.pk}", sent)
        assert words(answer)[-1].startswith("3 of 3 leads moved to Hot ones.")
    assert list(Bucket.objects.order_by("pk").values_list("name", "total_leads")) == [(bucket.name, 0), ("Hot ones", 3)]
    Lead.objects.filter(pk=leads[0].pk).update(bucket=bucket)  # others match by the second press
    again = across(client, "move", f"bucket={bucket.pk}", leads[0], **said)
    assert words(again)[-1].startswith("3 of 3 leads moved to Hot ones.") and BulkJob.objects.count() == 1


def test_a_custom_field_is_set_on_many_leads_and_put_back(ann):
    user, client = ann
    _, leads = make_leads(3, by=user)
    assert "Set a custom field" not in client.get(address(Lead, "changelist")).content.decode()  # there is none
    make_field(hers(user), {"name": "Roof age", "kind": "number"})
    make_field(hers(user), {"name": "Color", "kind": "choice", "choices": ["Red", "Blue"]})
    page = act(client, Lead, "field", leads).content.decode()
    assert ("Roof age (number)" in page, "Color (Red, Blue)" in page) == (True, True)
    said: dict[str, Any] = {"confirmed": "yes", "expect": "3", "field": "roofAge"}
    assert "Write a number" in act(client, Lead, "field", leads, **said, value="old").content.decode()
    done = act(client, Lead, "field", leads, **said, value="1,200")
    assert words(done)[-1].startswith("3 of 3 leads changed: Roof age: 1,200.")
    job = BulkJob.objects.get()
    page = client.get(address(BulkJob, "change", job.pk)).content.decode()
    assert "Puts back what stood in each lead that still has Roof age: 1,200." in page
    client.post(address(BulkJob, "change", job.pk), {"do": "undo"})
    assert set(Lead.objects.values_list("custom", flat=True)) == {None}


def test_a_reader_counts_nothing_and_a_caller_sees_her_own_jobs(ann):
    user, client = ann
    _, leads = make_leads(2, by=user)
    act(client, Lead, "tag", leads, confirmed="yes", tag="Hot")
    team = user.memberships.get().team
    _, reads = member(team, Role.READER, "rae")
    _, calls = member(team, Role.CALLER, "cal")
    assert reads.get(reverse("admin:leads_bulkjob_count")).status_code == 403
    job = BulkJob.objects.get()
    assert reads.post(address(BulkJob, "change", job.pk), {"do": "undo"}).status_code == 403
    assert calls.get(address(BulkJob, "change", job.pk)).status_code == 404
    assert staff("eve")[1].get(address(BulkJob, "change", job.pk)).status_code == 404
    assert BulkJob.objects.get().status == "completed"


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("bulk_leads", *arguments, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def test_the_command_counts_does_it_and_undoes_it(ann):
    make_leads(3, by=ann[0])
    said = ("tag", "--user", "ann", "--set", "tag=Hot")
    assert run(*said) == {"leads": 3, "started": False}
    done = run(*said, "--yes", "--wait")
    assert (done["status"], done["changed"], done["canUndo"]) == ("completed", 3, True)
    assert run("show", done["id"], "--user", "ann") == done
    assert run("undo", done["id"], "--user", "ann", "--wait")["restored"] == 3
    for wrong, told in (
        (("burn", "--user", "ann"), "is none of"),
        (("tag", "--user", "ann", "--yes"), "arguments.tag|A text of 1"),
        (("delete", "--user", "ann", "--yes"), "--expect"),
        (("undo", "--user", "ann"), "needs a job"),
        (("tag", "--user", "ann", "--where", "nope=1"), "There is no such filter"),
    ):
        with pytest.raises(CommandError, match=told):
            run(*wrong)


def test_who_proves_who_she_is_before_an_export_comes_back_to_the_leads_she_chose(ann):
    user, client = ann
    user.set_password("a long one, 14+")
    user.save()
    client = signed_in(sees_contacts(user))
    _, leads = make_leads(3, by=user)
    held = client.session
    held["account_authentication_methods"] = []
    held[SIGNED_IN_AT] = time.time() - 11 * 60
    held.save()

    sent = client.post(f"{LIST}?view=all", {"action": "export", "_selected_action": [str(one.pk) for one in leads[:2]]})
    back = parse_qs(urlsplit(sent["Location"]).query)["next"][0]
    assert ("ask=export" in back, BulkJob.objects.count()) == (True, 0)
    assert client.get(back)["Location"].startswith(sent["Location"].partition("?")[0])
    held[SIGNED_IN_AT] = time.time()
    held.save()
    page = client.get(back)
    assert ("Export leads" in page.content.decode(), "2 leads" in page.content.decode()) == (True, True)
    assert BulkJob.objects.count() == 0
    chosen = [str(row.pk) for row in page.context["rows"]]
    file = client.post(LIST, {"action": "export", "confirmed": "yes", "_selected_action": chosen, **hidden(page)})
    assert (file["Content-Type"].partition(";")[0], BulkJob.objects.get().leads) == ("text/csv", 2)
