"""The dry run: who gets what at which minute for how much, who is left out and why; the same at each run."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from accounts.models import AuditEvent, Membership
from campaigns.models import Campaign, Preview, PreviewLine
from campaigns.planning import audience as audiences
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import change_campaign, create_campaign
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.previews import computing, making
from campaigns.previews.asking import start_preview
from campaigns.texts.templates import create_template
from common.db.clock import database_now
from leads.keys import contact_keys
from leads.models import Lead
from leads.permission.suppressing import suppress
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import NOON, allow, owner, world
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db


def reasons(preview: Preview) -> dict[Any, str]:
    return dict(PreviewLine.objects.filter(preview=preview, step=0).values_list("lead_id", "reason"))


def test_it_says_who_gets_what_and_who_is_left_out_and_adds_up() -> None:
    made = world(9, consented=False)
    ok, late, nobody, stopped, landline, nameless, elsewhere, twin, unasked = made.leads
    for lead in (ok, late, stopped, landline, nameless, elsewhere, twin):
        allow(made, lead)
    Lead.objects.filter(pk=nobody.pk).update(phone=None, enrichment_status="partial")
    Lead.objects.filter(pk=landline.pk).update(phone_type="landline")
    Lead.objects.filter(pk=nameless.pk).update(property_address=None)
    Lead.objects.filter(pk=elsewhere.pk).update(property_state="TX", property_zip="75201")  # nobody answered for Texas
    owner(twin, 90, phone=ok.phone or "")
    suppress([(1, str(stopped.phone))], reason="stop", source=f"user:{made.ann.pk}", by=made.ann, words="STOP")
    Lead.objects.filter(pk=late.pk).update(property_state="CA", property_zip="94103", mailing_zip="94103")
    from campaigns.setup.state_answers import Given, answer_states

    answer_states(by=made.ann, seller=made.seller, answers=[Given("CA", "not_needed")])
    campaign = made.draft(steps=2)

    preview = made.previewed(campaign)

    assert (preview.error, preview.leads, preview.people, preview.lines) == ("", 9, 2, 4)
    assert preview.left_out == {
        "address_missing": 1, "suppressed": 1, "number_kind": 1, "missing_value:address": 1, "state_answer": 1,
        "same_owner": 1, "no_consent": 1,
    }  # fmt: skip
    assert reasons(preview) == {
        nobody.pk: "address_missing", stopped.pk: "suppressed", landline.pk: "number_kind",
        nameless.pk: "missing_value:address", elsewhere.pk: "state_answer", twin.pk: "same_owner",
        unasked.pk: "no_consent",
    }  # fmt: skip
    first, second = PreviewLine.objects.filter(preview=preview, lead_id=ok.pk).order_by("step")
    assert first.text == "Hi Mariaa, this is Acme Homes about 1 Oak St. Reply STOP to end."
    assert (first.step, first.variant, first.segments, first.price) == (1, "A", 1, Decimal("0.0083"))
    assert (first.zones, first.states, first.verdict, first.reason) == (["America/New_York"], ["MA"], "yes", "")
    assert first.first_at is not None and second.first_at is not None
    assert timedelta(days=2) <= second.first_at - first.first_at < timedelta(days=2, hours=1)
    assert [answer[2] for answer in first.receipt] == ["yes"] * len(first.receipt) and second.receipt == []
    assert PreviewLine.objects.get(preview=preview, lead_id=twin.pk).other_lead_id == ok.pk
    west = PreviewLine.objects.get(preview=preview, lead_id=late.pk, step=1)
    assert "America/Los_Angeles" in west.zones and west.first_at is not None
    assert west.first_at - NOON < timedelta(minutes=1)  # 8:00 there
    assert preview.people + sum(preview.left_out.values()) == preview.leads
    for sums in (preview.by_zone, preview.by_state):
        assert [sum(column) for column in zip(*sums.values(), strict=True)] == [2, 7]
    assert (preview.cost_min, preview.cost_max) == (2 * first.price, 4 * first.price)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.preview_id) == ("previewed", preview.pk)


def test_the_digest_is_the_same_at_each_run_and_another_where_a_text_or_a_person_is() -> None:
    made = world(3)
    campaign = made.draft()
    first = made.previewed(campaign)
    again = made.previewed(campaign)
    assert (again.pk != first.pk, again.digest) == (True, first.digest)

    Lead.objects.filter(pk=made.leads[0].pk).update(first_name="Rosa", owner_name=None)
    renamed = made.previewed(campaign)
    assert renamed.digest != first.digest
    suppress([(1, str(made.leads[1].phone))], reason="stop", source=f"user:{made.ann.pk}", by=made.ann)
    assert made.previewed(campaign).digest not in (first.digest, renamed.digest)
    assert Preview.objects.filter(campaign=campaign).count() == making.KEPT


@pytest.mark.long
def test_t9_one_person_through_several_doors_is_one_line_in_the_order_of_priority_and_id() -> None:
    """Five parcels of one owner and number; three with three phones and one e-mail; a chain of two links."""
    made = world(0)
    _, rows = make_leads(11, by=made.ann, name="T9")
    five = [owner(lead, 0, "+16175550112") for lead in rows[:5]]
    three = [owner(lead, 10 + n, email="pat@example.com") for n, lead in enumerate(rows[5:8])]
    l1 = owner(rows[8], 20, "+16175552901")
    l2 = owner(rows[9], 21, "+16175552901", email="chain@example.com")
    l3 = owner(rows[10], 22, "+16175552903", email="chain@example.com")
    for lead in (*five, *three, l1, l2, l3):
        allow(made, lead)
    campaign = made.draft(audience=Audience(lead_ids=tuple(lead.pk for lead in (*five, *three))))

    preview = made.previewed(campaign)

    assert (preview.people, preview.left_out) == (2, {"same_owner": 6})
    assert preview.people + sum(preview.left_out.values()) == 8
    assert set(PreviewLine.objects.filter(preview=preview, step=1).values_list("lead_id", flat=True)) == {
        five[0].pk, three[0].pk,
    }  # fmt: skip

    chain = made.draft("Chain", audience=Audience(bucket_id=l1.bucket_id, filters={"propertyCity": "Boston"}))
    change_campaign(campaign=chain, access=made.access, changes={"audience": Audience(lead_ids=(l1.pk, l2.pk, l3.pk))})
    for _ in range(2):
        told = made.previewed(chain)
        assert reasons(told) == {l2.pk: "same_owner"} and told.people == 2
        assert PreviewLine.objects.get(preview=told, step=0).other_lead_id == l1.pk
    # The order is the campaign's: where L2 comes first, it stays alone.
    change_campaign(campaign=chain, access=made.access, changes={"audience": Audience(lead_ids=(l2.pk, l1.pk, l3.pk))})
    assert set(reasons(made.previewed(chain))) == {l1.pk, l3.pk}


def test_a_person_the_gate_refuses_does_not_keep_out_another_lead_of_hers() -> None:
    made = world(2)
    landline, mobile = made.leads
    owner(mobile, 0, phone="+16175552999")  # the same name and address, another number
    allow(made, mobile)
    Lead.objects.filter(pk=landline.pk).update(phone_type="landline")

    preview = made.previewed(made.draft())

    assert (preview.people, preview.left_out) == (1, {"number_kind": 1})


def test_more_than_a_campaign_holds_is_split_and_nobody_is_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.planning.campaigns.MOST", 2)
    monkeypatch.setattr(audiences, "MOST", 2)
    monkeypatch.setattr(computing, "MOST", 2)
    made = world(5)
    owner(made.leads[4], 90, phone=made.leads[0].phone or "")

    with pytest.raises(CampaignError, match="4 people, and a campaign has 2 at most") as error:
        made.draft()
    assert (error.value.field, error.value.more["parts"]) == ("audience", 2)
    parts = create_campaign(access=made.access, plan=made.plan(), split=True)

    assert [(one.name, one.part) for one in parts] == [("Spring", 1), ("Spring", 2)]
    assert len({one.split_group for one in parts}) == 1 and parts[0].split_group is not None
    first = made.previewed(parts[0])
    assert (first.people, first.left_out) == (2, {"same_owner": 1})
    assert made.previewed(parts[1]).people == 2
    owner(made.leads[2], 91, phone=made.leads[0].phone or "")  # of the other part, since: the first part has her
    later = made.previewed(parts[1])
    assert (later.people, later.left_out) == (1, {"same_owner": 1})

    monkeypatch.setattr(computing, "MOST", 1)  # the audience has grown
    preview = start_preview(campaign=parts[0], access=made.access)
    made_ = making.make_preview(preview.pk)
    assert made_ is not None and "The audience has grown to 2 people" in made_.error
    parts[0].refresh_from_db()
    assert parts[0].status == "draft"


@pytest.mark.long
def test_texts_are_drawn_by_weight_and_stay_when_other_steps_change() -> None:
    made = world(12)
    other, _ = create_template(by=made.ann, team_id=made.bucket.team_id, name="B", text="{{companyName}} b. STOP ends")
    both = [VariantPlan(template_id=made.template.pk, weight=50), VariantPlan(template_id=other.pk, weight=50)]
    plan = made.plan()
    campaign = create_campaign(
        access=made.access, plan=type(plan)(**{**vars_of(plan), "steps": [StepPlan(both)]})
    )[0]  # fmt: skip

    def drawn() -> dict[Any, str]:
        rows = PreviewLine.objects.filter(preview=made.previewed(campaign), step=1)
        return dict(rows.values_list("lead_id", "variant"))

    first = drawn()
    assert set(first.values()) == {"A", "B"}
    steps = [StepPlan(both), StepPlan([VariantPlan(template_id=made.template.pk)], delay_amount=3)]
    change_campaign(campaign=campaign, access=made.access, changes={"steps": steps})
    assert drawn() == first


def vars_of(plan: Any) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__dataclass_fields__}


def test_a_campaign_changed_meanwhile_keeps_no_dry_run_and_one_at_work_is_asked_for_once() -> None:
    made = world(1)
    campaign = made.draft()
    preview = start_preview(campaign=campaign, access=made.access)
    assert start_preview(campaign=campaign, access=made.access).pk == preview.pk
    change_campaign(campaign=campaign, access=made.access, changes={"name": "Summer"})

    assert making.make_preview(preview.pk) is None
    preview.refresh_from_db()
    campaign.refresh_from_db()
    assert (preview.error, campaign.status, campaign.preview) == ("The campaign was changed meanwhile.", "draft", None)
    assert not PreviewLine.objects.exists()


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_has_done_nothing_and_another_makes_it(tmp_path: Path) -> None:
    made = world(3)
    campaign = made.draft()
    preview = start_preview(campaign=campaign, access=made.access)
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    work = f"""
import django; django.setup()
from datetime import UTC, datetime
from uuid import UUID
from django.conf import settings
settings.CAMPAIGN_CLOCK = (datetime(2026, 9, 15, 15, tzinfo=UTC), 1)
from campaigns.previews.making import make_preview
make_preview(UUID("{preview.pk}"))
"""
    environment = os.environ | {"DATABASE_URL": urlunsplit(address), "FAULT_POINT": "preview.store.before_commit"}
    ran = subprocess.run(
        [sys.executable, "-c", work], env=environment, cwd=Path(__file__).parents[2], check=False, timeout=60
    )
    assert ran.returncode == -signal.SIGKILL
    preview.refresh_from_db()
    assert (preview.is_at_work, preview.tries, PreviewLine.objects.count()) == (True, 1, 0)
    assert making.waiting() == [] and making.make_preview(preview.pk) is None  # its lease is not over

    Preview.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert making.waiting() == [preview.pk]
    assert making.make_preview(preview.pk) is not None
    preview.refresh_from_db()
    assert (preview.people, preview.tries, PreviewLine.objects.count()) == (3, 2, 3)

    again = start_preview(campaign=campaign, access=made.access)
    Preview.objects.filter(pk=again.pk).update(tries=making.TRIES)
    given_up = making.make_preview(again.pk)
    assert given_up is not None and "three workers stopped at it" in given_up.error
    assert Campaign.objects.get().status == "draft"


def test_it_is_paged_and_a_file_and_a_reader_sees_no_number_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(4)
    Lead.objects.filter(pk=made.leads[0].pk).update(first_name="call 617-555-2001", owner_name=None)
    Lead.objects.filter(pk=made.leads[2].pk).update(property_address="=cmd()", first_name="{{phone}}\x07\r\n")
    twin = made.one_more(80, phone=made.leads[1].phone or "")
    campaign, api = made.draft(), Api(made.ann)
    path = f"/api/campaigns/{campaign.pk}/preview"
    refused(api.get(path), 404)

    asked = body_of(api.post(path), 202)
    assert (asked["preview"]["status"], body_of(api.get(path))["people"]) == ("working", [])
    monkeypatch.setattr("campaigns.previews.asking.time.sleep", lambda _: making.make_preview(asked["preview"]["id"]))
    waited = api.post(path, Prefer="wait=5")
    assert (waited.status_code, waited.headers["Preference-Applied"]) == (200, "wait=5")
    assert body_of(waited)["preview"]["id"] == asked["preview"]["id"]
    first = body_of(api.get(f"{path}?limit=3"))
    second = body_of(api.get(f"{path}?limit=3&cursor={first['nextCursor']}"))
    people = [*first["people"], *second["people"]]
    assert first["preview"]["status"] == "made" and len({one["leadId"] for one in people}) == 5
    assert first["preview"]["costMin"] == 4 * 0.0083
    (left,) = body_of(api.get(f"{path}?verdict=no&reason=same_owner"))["people"]
    assert (left["leadId"], left["insteadLeadId"], left["messages"]) == (str(twin.pk), str(made.leads[1].pk), [])
    one = next(one for one in people if one["leadId"] == str(made.leads[1].pk))
    assert (one["number"], one["messages"][0]["localTime"][:13]) == ("…2001", "2026-09-15 11")
    refused(api.get(f"{path}?verdict=maybe"), 400, "verdict")

    rows = list(csv.reader(io.StringIO(b"".join(api.get(f"{path}.csv")).decode().lstrip("\ufeff"))))
    assert (rows[0][0], len(rows)) == ("Lead id", 6)
    assert [row[3:6] for row in rows if row[0] == str(twin.pk)] == [["no", "same_owner", "2 Oak St"]]
    assert [row[1] for row in rows if row[0] == str(made.leads[2].pk)] == ["'=cmd()"]  # no spreadsheet's formula
    assert all("\n" not in row[12] and "\x07" not in row[11] for row in rows)  # printed as text, once
    assert AuditEvent.objects.filter(action="export.taken", kind="campaign").count() == 1

    asked = body_of(api.post(path), 202)  # while the next is made, the file is of the one before
    assert b"".join(api.get(f"{path}.csv")).count(b"\n") == 6
    assert making.make_preview(asked["preview"]["id"]) is not None

    rita = make_user("rita")
    Membership.objects.filter(user=rita).delete()
    Membership.objects.create(team_id=made.bucket.team_id, user=rita, role="reader")
    reader = Api(rita)
    answer = reader.get(path)
    assert b"555-2001" not in answer.content and b"5552001" not in answer.content
    assert {one["insteadLeadId"] for one in body_of(answer)["people"]} == {None}
    refused(reader.get(f"{path}.csv"), 403)
    refused(reader.post(path), 403)


def test_a_forgotten_persons_texts_go_from_dry_runs() -> None:
    from campaigns.previews.forgetting import forget_in_lines

    made = world(2)
    made.previewed(made.draft())

    assert forget_in_lines(made.leads[0].pk, None, ()) == 1  # type: ignore[arg-type]
    assert forget_in_lines(made.leads[0].pk, None, ()) == 0  # type: ignore[arg-type]
    texts = dict(PreviewLine.objects.values_list("lead_id", "text"))
    assert texts[made.leads[0].pk] == "[forgotten]" and "Mariab" in texts[made.leads[1].pk]


def test_keys_of_two_secrets_draw_and_join_alike(settings: Any) -> None:
    """A secret is added in front: the keys that there are go on as they are."""
    made = world(2)
    campaign = made.draft()
    before = made.previewed(campaign).digest
    settings.CONTACT_KEY_SECRETS = [
        "another-for-keys-0123456789-abcdefghijklmnopqrstuvwxyz",
        *settings.CONTACT_KEY_SECRETS,
    ]
    contact_keys.relink([lead.pk for lead in made.leads], contact_keys.prepare({lead.pk: {} for lead in made.leads}))
    assert made.previewed(campaign).digest == before
