"""How many e-mails leave in a day and a minute, and what stops a campaign of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from campaigns import clock
from campaigns.models import Campaign, Delivery, MailSender
from campaigns.rules.warm_up import RAMP, limit_of
from campaigns.running.counting import recount
from campaigns.sending import lifecycle, marks, steps, sweeps
from integrations.ledger import breaker
from leads.models import Suppression
from sandbox.server import Sandbox
from tests.campaigns.sending import world
from tests.campaigns.sending.mailing import make_mails, of
from tests.campaigns.sending.postbox import Postbox
from tests.campaigns.sending.world import move, send_all

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = ((0, "days", "email"), (1, "days", "email"))


def test_a_ramp_has_a_step_for_each_day_and_ends() -> None:
    day = date(2026, 9, 1)
    assert limit_of(day, warm_up_from=None, daily_limit=None) is None
    assert limit_of(day, warm_up_from=day, daily_limit=None) == RAMP[0] == 20
    assert limit_of(day, warm_up_from=day, daily_limit=7) == 7
    assert limit_of(day + timedelta(days=3), warm_up_from=day, daily_limit=None) == RAMP[3]
    assert limit_of(day + timedelta(days=len(RAMP)), warm_up_from=day, daily_limit=None) is None
    assert limit_of(day, warm_up_from=day + timedelta(days=1), daily_limit=None) == 0
    assert list(RAMP) == sorted(RAMP)


@pytest.mark.long
def test_a_days_limit_holds_with_several_pumps(postbox: Postbox, settings: Any) -> None:
    place = make_mails(8, settings, postbox)
    MailSender.objects.update(daily_limit=5, warm_up_from=date(2026, 1, 1))
    send_all(pumps=3)
    assert len(postbox.taken) == 5
    waiting = Delivery.objects.filter(state="due")
    tomorrow = datetime(2026, 9, 16, 4, tzinfo=UTC)  # midnight in New York
    assert set(waiting.values_list("error", "not_before")) == {("daily_limit", tomorrow)}
    assert place.now().status == "running"
    move(timedelta(days=1))
    send_all()
    assert postbox.to() == sorted(f"p{n}@example.com" for n in range(8))
    assert place.counters() == {"accepted": 8, "sent": 8}


@pytest.mark.long
def test_a_mail_provider_gets_so_many_a_minute(postbox: Postbox, settings: Any) -> None:
    """Its domains are counted together; those beyond wait for their minute, and are not tried in each."""
    place = make_mails(8, settings, postbox, domain="gmail.com")
    settings.MAIL_DOMAIN_PACE = {"gmail.com": 3, "*": 0}
    steps.make_due()
    last = of(place, "p7")
    Delivery.objects.filter(pk=last.pk).update(address="p7@googlemail.com")
    send_all(pumps=2)
    assert len(postbox.taken) == 3
    waits = Delivery.objects.filter(state="due", error="provider_pace").order_by("not_before")
    first, *_, latest = [row.not_before for row in waits]
    assert len(waits) == 5 and first is not None and latest is not None
    assert latest - first == timedelta(minutes=1)  # three in the next minute, two in the one after
    for so_far in (6, 8):
        move(timedelta(seconds=62))
        send_all()
        assert len(postbox.taken) == so_far


@pytest.mark.long
def test_a_stopped_vendor_holds_up_its_own_channel_alone(vendor: Sandbox, postbox: Postbox, settings: Any) -> None:
    mails = make_mails(2, settings, postbox, name="bea", first=100)
    texts = world.make_world(2, settings, name="cal")
    breaker.pause("twilio", "The key was refused")
    send_all()
    assert len(postbox.taken) == 2 and world.hits(vendor) == []
    assert (texts.now().status, texts.now().paused_by) == ("paused", "vendor")
    assert mails.now().status == "completed"
    breaker.reset("twilio")
    Campaign.objects.filter(pk=texts.campaign.pk).update(status="running", paused_by="")
    more = make_mails(1, settings, postbox, name="dan", names=["late"], texts="twilio", first=200)
    breaker.pause("mail", "The password was refused")
    send_all()
    assert len(world.hits(vendor)) == 2 and len(postbox.taken) == 2
    assert (more.now().status, more.now().paused_by) == ("paused", "vendor")
    settings.MAIL_VENDOR = ""
    breaker.reset("mail")
    Campaign.objects.filter(pk=more.campaign.pk).update(status="running", paused_by="")
    sweeps.sweep()
    assert (more.now().paused_by, "CAMPAIGN_EMAIL_URL" in more.now().reason) == ("gate", True)


@pytest.mark.long
def test_three_mails_in_a_row_refused_for_what_they_say_pause_it(postbox: Postbox, settings: Any) -> None:
    place = make_mails(4, settings, postbox, names=[f"content+{n}" for n in range(4)])
    settings.VENDOR_IN_FLIGHT = 1
    send_all()
    assert place.counters() == {"failed": 3, "sent": 3}
    failed = Delivery.objects.filter(state="failed")
    assert set(failed.values_list("refusal", "bounced_at")) == {("blocked", None)}
    assert (place.now().paused_by, "3 in a row" in place.now().reason) == ("errors", True)
    assert not Suppression.objects.exists() and place.states() == {"failed": 3, "due": 1}  # whichever came first


@pytest.mark.long
def test_complaints_and_bounces_pause_a_campaign(postbox: Postbox, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(lifecycle, "FEW", 4)
    monkeypatch.setattr(lifecycle, "SPAM_FEW", 4)
    monkeypatch.setattr(lifecycle, "COMPLAINTS", 1)
    place = make_mails(6, settings, postbox, steps=BOTH)
    send_all()
    assert marks.complained(of(place, "p0").pk) and not marks.complained(of(place, "p0").pk)
    assert lifecycle.watch_thresholds() == 0  # one says nothing
    assert marks.complained(of(place, "p1").pk)
    assert sorted({*Suppression.objects.values_list("reason", "scope")}) == [("complaint", "any")]
    assert lifecycle.watch_thresholds() == 1
    assert (place.now().paused_by, place.now().complained, place.now().opted_out) == ("complaints", 2, 2)
    since = place.campaign.created_at
    Campaign.objects.filter(pk=place.campaign.pk).update(status="running", paused_by="", updated_at=since)
    monkeypatch.setattr(lifecycle, "SPAM_LEAST", 9)
    assert marks.bounced(of(place, "p2").pk, "5.7.1", "Blocked", "blocked")
    assert marks.bounced(of(place, "p3").pk, "4.2.2", "Full", "soft")
    assert lifecycle.watch_thresholds() == 1
    assert (place.now().paused_by, place.now().bounced) == ("errors", 2)
    assert place.states() == {"accepted": 4, "failed": 2}
    assert marks.clicked(of(place, "p4").pk, clock.now()) and not marks.clicked(of(place, "p4").pk, world.NOON)
    assert place.now().human_clicks == 1
    assert recount(mend=False) == {}
    Campaign.objects.update(bounced=7, complained=0, human_clicks=3)
    assert recount()[place.campaign.pk] == {"bounced": (7, 2), "complained": (0, 2), "human_clicks": (3, 1)}
