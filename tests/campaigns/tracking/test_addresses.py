"""What leaves in an e-mail, and its public addresses: the way out, links, the picture."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection

from accounts.models import AuditEvent
from campaigns import clock
from campaigns.booking import throttle
from campaigns.models import Campaign, Delivery, Link, Member, Touch
from campaigns.texts.mail import UNSUBSCRIBE
from campaigns.tracking import tokens, touching, views
from integrations.vendors.errors import Misconfigured
from leads.models import ContactKey, Suppression
from tests.campaigns.tracking.world import PUBLIC, Mailed, browser, mailed

pytestmark = pytest.mark.django_db
ONE_CLICK: dict[str, Any] = {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def fresh() -> None:
    cache.clear()


@pytest.fixture
def made(settings: Any) -> Mailed:
    return mailed(settings)


def suppressions() -> list[tuple[str, str]]:
    return list(Suppression.objects.values_list("reason", "scope"))


def later(seconds: float) -> None:
    """As if what is known had happened so much earlier."""
    span = timedelta(seconds=seconds)
    for touch in Touch.objects.all():
        Touch.objects.filter(pk=touch.pk).update(at=touch.at - span)


# --- What leaves ------------------------------------------------------------------------------------------------------


def test_only_its_own_links_lead_through_us_and_only_where_the_campaign_counts(made: Mailed, settings: Any) -> None:
    done = made.finished()
    assert UNSUBSCRIBE not in done.text + done.html and "/l/" in done.text
    assert "https://acme.example" not in done.html + done.text and 'href="mailto:jane@acme.example"' in done.html
    assert len(made.links()) == 4 and "aria-hidden" in done.html  # three of its own, one that nobody sees
    assert done.html.endswith("</body></html>")
    for path in (*made.links(), made.way_out(), made.picture()):
        assert 22 <= len(path.split("/")[2].removesuffix(".gif")) <= 60
    words = re.sub(r"(?<=/[ulo]/)[\w.-]+", "", done.text + done.html)
    assert str(made.delivery.pk) not in words and "pat@example.com" not in words.lower()

    Campaign.objects.update(track_clicks=False, track_opens=False)
    plain = made.finished()
    assert "/l/" not in plain.text + plain.html and "/o/" not in plain.html and "aria-hidden" not in plain.html
    assert 'href="https://acme.example/offer?a=1&amp;b=2"' in plain.html and f"{PUBLIC}/u/" in plain.text
    settings.PUBLIC_URL = ""
    with pytest.raises(Misconfigured):
        made.finished()


def test_headers_of_rfc_8058_and_a_list(made: Mailed, settings: Any) -> None:
    settings.INBOUND_MAIL_DOMAIN = "in.example.com"
    headers = made.finished().headers
    token = made.way_out().split("/")[2]
    assert headers == {
        "List-Unsubscribe": f"<{PUBLIC}/u/{token}>, "
        f"<mailto:u+{made.delivery.callback_token.hex}@in.example.com?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{made.campaign.pk}.mail.acme.example>",
        "Feedback-ID": f"{made.campaign.pk}:1:{made.made.seller.pk}:bucket",
    }
    assert tokens.read_unsubscribe(token) == tokens.WayOut(made.delivery.pk, made.delivery.key_id)
    settings.INBOUND_MAIL_DOMAIN = ""
    assert made.finished().headers["List-Unsubscribe"] == f"<{PUBLIC}/u/{token}>"


def test_tokens_are_of_one_purpose_and_survive_a_new_key_beside_the_old_one(settings: Any) -> None:
    delivery_id, link_id = uuid4(), uuid4()
    one = (tokens.unsubscribe(delivery_id, 7), tokens.click(delivery_id, link_id), tokens.opened(delivery_id))
    assert [len(token) for token in one] == [49, 60, 39]
    assert [tokens.read_opened(token) for token in one] == [None, None, delivery_id]
    assert [tokens.read_unsubscribe(token) is None for token in one] == [False, True, True]
    assert [tokens.read_click(token) is None for token in one] == [True, False, True]
    for bad in ("", "x", "é" * 49, one[0][:-1], one[0] + "A", one[0].swapcase(), "." * 49, "A" * 61):
        assert tokens.read_unsubscribe(bad) is None
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-" * 6
    assert tokens.read_unsubscribe(one[0]) == tokens.WayOut(delivery_id, 7)
    settings.SECRET_KEY_FALLBACKS = []
    assert tokens.read_unsubscribe(one[0]) is None


# --- The way out ------------------------------------------------------------------------------------------------------


def test_a_get_by_a_scanner_never_unsubscribes(made: Mailed) -> None:
    path = made.way_out()
    for ask in (browser().get, browser(agent="Barracuda").get, browser().head):
        answer = ask(path)
        assert answer.status_code == 200 and not answer.cookies
        assert "no-store" in answer.headers["Cache-Control"]
    page = browser().get(path).content.decode()
    assert "Acme Homes" in page and "p…@example.com" in page and "pat@" not in page.lower()
    assert page.count("<button") == 1 and "csrf" not in page
    assert suppressions() == [] and made.member.status == Member.Status.ACTIVE


def test_one_click_by_rfc_8058_acts_once_without_cookies_csrf_or_redirect(made: Mailed) -> None:
    client, path = browser(), made.way_out()
    client.handler.enforce_csrf_checks = True
    bodies: list[Any] = [
        ONE_CLICK,
        {"data": {"List-Unsubscribe": "One-Click"}},  # multipart
        {"data": b"--x\r\nbroken", "content_type": "multipart/form-data; boundary=x"},
        {"data": b"", "content_type": "text/plain"},
    ]
    for body in bodies:
        answer = client.post(path, **body)
        assert (answer.status_code, answer.content, len(answer.cookies)) == (200, b"", 0)
    assert suppressions() == [("one_click", "email")]
    assert (made.member.status, made.member.why) == (Member.Status.STOPPED, "opted_out")
    made.campaign.refresh_from_db()
    made.delivery.refresh_from_db()
    assert made.campaign.opted_out == 1 and made.delivery.opted_out_at is not None
    assert (AuditEvent.objects.get(action="contact.suppressed").after or {})["reason"] == "one_click"


def test_the_pages_button_says_what_was_done(made: Mailed) -> None:
    answer = browser().post(made.way_out(), {"from": "page", "List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and "You are unsubscribed" in answer.content.decode() and not answer.cookies
    assert suppressions() == [("one_click", "email")]


def test_text_messages_go_on_after_an_e_mails_way_out(settings: Any) -> None:
    made = mailed(settings, channels=("email", "sms"))
    assert browser().post(made.way_out(), **ONE_CLICK).status_code == 200
    assert made.member.status == Member.Status.ACTIVE
    made.campaign.refresh_from_db()
    assert made.campaign.opted_out == 1
    browser().post(made.way_out(), **ONE_CLICK)
    made.campaign.refresh_from_db()
    assert made.campaign.opted_out == 1


def test_mautic_5467_the_way_out_works_for_a_never_delivered_a_deleted_and_an_erased_person(made: Mailed) -> None:
    path = made.way_out()
    Delivery.objects.update(state="failed", rank=4, accepted_at=None)
    assert browser().post(path, **ONE_CLICK).status_code == 200
    assert suppressions() == [("one_click", "email")]
    # erased: address, texts and the key's hint are gone
    Delivery.objects.update(address=None, subject=None, body=None, html=None)
    ContactKey.objects.update(hint="")
    assert "your address" in browser().get(path).content.decode()
    assert browser().post(path, **ONE_CLICK).status_code == 200
    # deleted: lead, member, message
    Delivery.objects.all().delete()
    Member.objects.all().delete()
    made.made.leads[0].delete()
    assert browser().get(path).status_code == 200
    answer = browser().post(path, **ONE_CLICK)
    assert (answer.status_code, answer.content) == (200, b"")
    assert suppressions() == [("one_click", "email")]
    # and of a message that is gone before it was ever pressed
    other = tokens.unsubscribe(uuid4(), made.delivery.key_id)
    assert browser().post(f"/u/{other}", **ONE_CLICK).status_code == 200
    assert suppressions() == [("one_click", "email")] * 2


def test_a_forged_token_is_unknown_and_who_guesses_is_slowed(made: Mailed, monkeypatch: Any) -> None:
    path = made.way_out()
    for bad in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        "/u/x",
        "/u/" + "A" * 49,
        f"/u/{tokens.opened(uuid4())}",
    ):
        for answer in (browser().get(bad), browser().post(bad, **ONE_CLICK)):
            assert answer.status_code == 404 and "Acme" not in answer.content.decode() and not answer.cookies
    assert suppressions() == []
    monkeypatch.setitem(throttle.A_MINUTE, "guess", 0)
    assert browser().get("/u/x").status_code == 429
    assert browser().get(path).status_code == 200
    monkeypatch.setitem(throttle.A_MINUTE, "way_out", 0)
    assert browser().get(path).status_code == 429
    assert browser().post(path, **ONE_CLICK).status_code == 200  # this is never slowed
    assert browser().put(path).status_code == 405


# --- Links ------------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_its_stored_address_and_nowhere_else(made: Mailed) -> None:
    offer, faq, us, hidden = made.links()
    for more in ("", "?url=https://evil.example", "?next=//evil.example&url=x"):
        answer = browser().get(offer + more)
        assert (answer.status_code, answer.headers["Location"]) == (302, "https://acme.example/offer?a=1&b=2")
        assert answer.headers["Referrer-Policy"] == "no-referrer" and not answer.cookies
    assert browser().get(faq).headers["Location"] == "https://acme.example/faq"
    assert browser().get(hidden).status_code == 204
    # a token of another delivery: one half of each, and a link that is not of this message's text
    one, other = us.split("/")[2], tokens.click(uuid4(), uuid4())
    mixed = one.split(".")[0] + "." + other.split(".")[1]
    link = Link.objects.create(version=made.made.template.versions.get(), url="https://evil.example/")
    foreign = tokens.click(made.delivery.pk, link.pk)
    for bad in (mixed, other, foreign, one[:-1], "x"):
        assert browser().get(f"/l/{bad}").status_code == 404
    # the message is gone: what was in a mailbox still leads there
    Delivery.objects.all().delete()
    assert browser().get(us).headers["Location"] == "https://acme.example/us"
    assert Touch.objects.count() == 0


def test_a_scanner_before_and_after_and_a_person_later_are_told_apart(made: Mailed) -> None:
    links = made.links()
    Delivery.objects.update(accepted_at=clock.now() - timedelta(seconds=1))
    browser("192.0.2.1", "Proofpoint").head(links[0])  # before anybody can have read it
    browser("192.0.2.1").get(links[0])
    assert made.kinds() == ["machine method", "machine too_soon"]
    Delivery.objects.update(accepted_at=clock.now() - timedelta(hours=1))
    later(3_600)
    for link in links:  # after: every link, within a moment
        browser("198.51.100.7").get(link)
    assert made.kinds()[2:] == ["machine burst"] * 3 + ["machine hidden_link"]
    later(600)
    browser().get(links[0])  # she reads it
    assert made.kinds()[-1] == "unknown"
    later(90)
    browser().get(links[1])  # and comes back
    assert made.kinds()[-1] == "human again"
    assert touching.tell_people() == 0  # a burst may still follow
    later(6)
    assert (touching.tell_people(), touching.tell_people()) == (1, 0)
    made.delivery.refresh_from_db()
    made.campaign.refresh_from_db()
    assert made.delivery.clicked_at is not None and made.campaign.human_clicks == 1
    assert made.member.status == Member.Status.ACTIVE  # it ends on a click only where it is asked to


def test_our_own_page_for_appointments_is_told_by_which_link_its_guest_came(made: Mailed) -> None:
    link = Link.objects.create(version_id=Link.objects.get(url="https://acme.example/us").version_id,
                               url=f"{PUBLIC}/book/jane")  # fmt: skip
    token = tokens.click(made.delivery.pk, link.pk)
    assert browser().get(f"/l/{token}").headers["Location"] == f"{PUBLIC}/book/jane#l={token}"


def test_a_landing_page_that_runs_its_script_tells_a_person(made: Mailed) -> None:
    link = made.links()[0]
    assert browser().post(link).status_code == 204  # nobody had followed it
    made.delivery.refresh_from_db()
    assert made.delivery.clicked_at is None
    browser().get(link)
    assert browser().post(link).status_code == 204
    assert made.kinds() == ["human script"]
    made.delivery.refresh_from_db()
    assert made.delivery.clicked_at is not None and Campaign.objects.get(pk=made.campaign.pk).human_clicks == 1
    # a machine's page may run scripts too: what tells it to be one stands
    browser(agent="HeadlessChrome").get(made.links()[1])
    browser().post(made.links()[1])
    assert "machine scanner" in made.kinds()


def test_opens_are_counted_and_nothing_acts_on_them(made: Mailed) -> None:
    before = Member.objects.values().get(pk=made.member.pk)
    for agent in ("Mozilla/5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)", "Barracuda"):
        answer = browser(agent=agent).get(made.picture())
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/gif")
        assert "no-store" in answer.headers["Cache-Control"] and answer.content == views.PIXEL and not answer.cookies
    assert made.kinds() == ["unknown apple_relay", "unknown picture_proxy", "machine scanner"]
    assert browser().get("/o/" + "A" * 39 + ".gif").status_code == 404
    assert Member.objects.values().get(pk=made.member.pk) == before
    made.delivery.refresh_from_db()
    assert made.delivery.clicked_at is None


def test_where_a_campaign_counts_nothing_nothing_is_kept(made: Mailed) -> None:
    link, picture = made.links()[0], made.picture()
    Campaign.objects.update(track_clicks=False, track_opens=False)
    assert browser().get(link).status_code == 302 and browser().get(picture).status_code == 200
    browser().post(link)
    assert Touch.objects.count() == 0


def test_too_much_is_not_kept_and_still_led_on(made: Mailed, monkeypatch: Any) -> None:
    link = made.links()[0]
    monkeypatch.setattr(touching, "MOST", 2)
    for _ in range(3):
        assert browser().get(link).status_code == 302
    assert Touch.objects.count() == 2
    monkeypatch.setitem(throttle.A_MINUTE, "touch", 0)
    Touch.objects.all().delete()
    assert browser().get(link).status_code == 302 and browser().get(made.picture()).status_code == 200
    assert Touch.objects.count() == 0


def test_of_a_network_only_a_days_hash_is_kept(made: Mailed) -> None:
    link = made.links()[0]
    for address in ("203.0.113.9", "203.0.113.200", "203.0.114.9", "2001:db8:1:2::1", "2001:db8:1:3::1", "unknown"):
        browser(address).get(link)
    networks = list(Touch.objects.order_by("pk").values_list("network", flat=True))
    assert networks[0] == networks[1] != networks[2] and networks[3] == networks[4] != networks[0]
    assert networks[5] == "" and "203" not in "".join(networks)[:3] and all(len(one) in (0, 16) for one in networks)
    assert touching.forget_networks() == 0
    later(86_401)
    assert touching.forget_networks() == 5
    assert set(Touch.objects.values_list("network", flat=True)) == {""}


@pytest.mark.django_db(transaction=True)
def test_links_followed_at_once_see_each_other(settings: Any) -> None:
    made = mailed(settings)

    def follow(link: str) -> int:
        try:
            return browser("198.51.100.7").get(link).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(follow, made.links()[:3])) == [302] * 3
    assert made.kinds() == ["machine burst"] * 3
