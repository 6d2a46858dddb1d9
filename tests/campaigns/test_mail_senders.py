"""Addresses that e-mails leave from: added, checked against a name server, retired; by API and on their page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.urls import reverse

from campaigns.models import Campaign, MailSender
from campaigns.planning.refusals import CampaignError
from campaigns.rules import mail_domains
from campaigns.rules.mail_domains import OK
from campaigns.setup.mail_senders import add_mail_sender, check_mail_sender, lack
from common.values.mail_urls import read_mail_url
from integrations.vendors import dns
from integrations.vendors.dns import NoDns
from sandbox.dns import NameServer
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import World, world
from tests.support import make_user, told

DOMAIN = "mail.example.com"


@pytest.fixture(scope="module")
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def asked(name_server: NameServer, settings: Any) -> None:
    settings.DNS_SERVER = f"127.0.0.1:{name_server.port}"
    settings.CAMPAIGN_MAIL = read_mail_url("smtp://127.0.0.1:9")
    settings.MAIL_WEBHOOK_SECRET = ["hooks:0123456789abcdef"]


@pytest.fixture
def made() -> World:
    return world(1, ann=make_user("ann", is_staff=True))


def jane(made: World, domain: str = DOMAIN, **more: Any) -> MailSender:
    given: dict[str, Any] = {"name": "Jane Agent", "address": f"jane@{domain}", "dkim_selector": "s1"} | more
    return add_mail_sender(by=made.ann, seller=made.seller, **given)


# --- What a domain says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["v=spf1 include:spf.example.com ~all"], OK),
        (["V=SPF1 -all", "google-site-verification=1"], OK),
        (["v=spf1 redirect=_spf.example.com"], OK),
        ([], "Add a TXT record at mail.example.com: v=spf1"),
        (["v=spf10 ~all"], "Add a TXT record"),
        (["v=spf1 ~all", "v=spf1 -all"], "2 SPF records"),
        (["v=spf1 +all"], "lets anybody send"),
        (["v=spf1 a all"], "lets anybody send"),
    ],
)
def test_spf_is_one_record_that_names_servers(texts: list[str], words: str) -> None:
    assert words in mail_domains.spf(DOMAIN, texts)


@pytest.mark.parametrize(
    ("selector", "texts", "words"),
    [
        ("s1", ["v=DKIM1; k=rsa; p=MIIB"], OK),
        ("s1", ["p=MIIB"], OK),
        ("", [], "Enter the DKIM selector"),
        ("s1", [], "at s1._domainkey.mail.example.com"),
        ("s1", ["v=DKIM1; p="], "withdrawn"),
    ],
)
def test_dkim_is_a_key_at_its_selector(selector: str, texts: list[str], words: str) -> None:
    assert words in mail_domains.dkim(DOMAIN, selector, texts)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([["v=DMARC1; p=none"], []], OK),
        ([[], ["v=DMARC1; sp=none; p=reject"]], OK),  # of the domain above
        ([[], []], "_dmarc.mail.example.com: v=DMARC1; p=none"),
        ([["v=DMARC1; rua=mailto:a@example.com"], []], "names no policy"),
        ([["v=DMARC1; p=none", "v=DMARC1; p=reject"], []], "more than one"),
    ],
)
def test_dmarc_is_a_policy_of_the_domain_or_of_one_above(found: list[list[str]], words: str) -> None:
    assert mail_domains.dmarc_names(DOMAIN) == ["_dmarc.mail.example.com", "_dmarc.example.com"]
    assert words in mail_domains.dmarc(DOMAIN, found)


def test_a_name_server_is_asked_and_one_that_does_not_answer_is_no_answer(settings: Any, monkeypatch: Any) -> None:
    assert any(text.startswith("v=spf1") for text in dns.texts("mail.example.com"))
    assert len(dns.texts("s1._domainkey.mail.example.com")[0]) > 300  # of several strings
    assert dns.texts("nxdomain.example.com") == dns.texts("_dmarc.no-dmarc.example.com") == []
    monkeypatch.setattr(dns, "SECONDS", 0.3)
    for name, server in (("servfail.example.com", settings.DNS_SERVER), (DOMAIN, "127.0.0.1:1"), ("a" * 70, "::1")):
        settings.DNS_SERVER = server
        with pytest.raises(NoDns):
            dns.texts(name)


# --- An address -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_address_may_send_once_its_domain_is_right(made: World, settings: Any) -> None:
    sender = jane(made)
    assert "not checked yet" in lack(sender)
    checked = check_mail_sender(sender=sender, by=made.ann)
    assert (checked.checks, lack(checked)) == ({"spf": OK, "dkim": OK, "dmarc": OK}, "")
    for domain, title in (("no-spf", "SPF"), ("no-dkim", "DKIM"), ("no-dmarc", "DMARC"), ("nxdomain", "SPF")):
        wrong = check_mail_sender(sender=jane(made, f"{domain}.example.com"), by=made.ann)
        assert lack(wrong).startswith(f"{title} of {domain}.example.com is not right. ")
        assert not lack(wrong).endswith(".")
    settings.CAMPAIGN_MAIL = read_mail_url("file:/tmp/mail")
    assert lack(wrong) == ""


@pytest.mark.django_db
def test_silence_of_the_name_servers_changes_nothing_and_a_new_selector_has_to_be_checked(made: World) -> None:
    sender = check_mail_sender(sender=jane(made), by=made.ann)

    def silent(_name: str) -> list[str]:
        raise NoDns

    with pytest.raises(CampaignError) as error:
        check_mail_sender(sender=sender, by=made.ann, texts=silent)
    assert error.value.code == "NO_ANSWER"
    sender.refresh_from_db()
    assert lack(sender) == ""

    def changed_meanwhile(name: str) -> list[str]:
        MailSender.objects.filter(pk=sender.pk).update(dkim_selector="s2", checks={}, checked_at=None)
        return dns.texts(name)

    again = check_mail_sender(sender=sender, by=made.ann, texts=changed_meanwhile)
    assert (again.dkim_selector, again.checked_at, again.checks) == ("s2", None, {})


@pytest.mark.long
@pytest.mark.django_db
def test_addresses_by_the_api(made: World) -> None:
    api, bob = Api(made.ann), Api(make_user("bob"))
    good = {"name": " Jane  Agent ", "address": "Jane@Mail.Example.com", "dkimSelector": "s1", "dailyLimit": 500}
    for more, field in (
        ({"address": "jane"}, "address"),
        ({"address": "jane@gmail.com"}, "address"),
        ({"address": "jané@mail.example.com"}, "address"),
        ({"address": "a@example.com, b@example.com"}, "address"),
        ({"name": "  "}, "name"),
        ({"name": "Jane\nBcc: x@example.com\u202e"}, "name"),
        ({"dkimSelector": "s1._domainkey/"}, "dkimSelector"),
        ({"dailyLimit": 0}, "dailyLimit"),
        ({"warmUpFrom": "soon"}, "warmUpFrom"),
        ({"color": "red"}, "color"),
    ):
        refused(api.post("/api/mail-senders", {**good, **more}), 400, field)
    refused(bob.post("/api/mail-senders", good), 409)  # Bob has no company yet
    assert not MailSender.objects.exists()
    sender = body_of(api.post("/api/mail-senders", good), 201)["mailSender"]
    assert (sender["address"], sender["name"], sender["checks"]) == ("Jane@mail.example.com", "Jane Agent", {})
    assert "not checked yet" in sender["lack"]
    refused(api.post("/api/mail-senders", {**good, "address": "jane@MAIL.example.com"}), 400, "address")
    path = f"/api/mail-senders/{sender['id']}"
    for call in (bob.get(path), bob.patch(path, {"name": "x"}), bob.delete(path), bob.post(f"{path}/check", {})):
        refused(call, 404)
    checked = body_of(api.post(f"{path}/check", {}))["mailSender"]
    assert (checked["lack"], set(checked["checks"].values())) == ("", {OK})
    changed = body_of(api.patch(path, {"warmUpFrom": "2026-09-20", "dkimSelector": "pm"}))["mailSender"]
    assert (changed["warmUpFrom"], changed["checks"], changed["dailyLimit"]) == ("2026-09-20", {}, 500)
    campaign = made.draft()
    Campaign.objects.filter(pk=campaign.pk).update(mail_sender=sender["id"])
    refused(api.delete(path), 409)
    Campaign.objects.filter(pk=campaign.pk).update(mail_sender=None)
    assert body_of(api.delete(path))["mailSender"]["retiredAt"] is not None
    assert "is retired" in body_of(api.get(path))["mailSender"]["lack"]
    body_of(api.post("/api/mail-senders", good), 201)  # a retired address may be added anew
    assert len(body_of(api.get("/api/mail-senders"))["mailSenders"]) == 2
    what = [(what, after) for _, what, after in told(*[f"mail_sender.{one}" for one in WHAT])]
    assert what == [
        ("mail_sender.added", {"domain": DOMAIN, "dailyLimit": 500, "warmUp": False}),
        ("mail_sender.checked", {"spf": True, "dkim": True, "dmarc": True}),
        ("mail_sender.changed", {"fields": ["dkim_selector", "warm_up_from"]}),
        ("mail_sender.retired", None),
        ("mail_sender.added", {"domain": DOMAIN, "dailyLimit": 500, "warmUp": False}),
    ]


WHAT = ("added", "changed", "checked", "retired")


@pytest.mark.long
@pytest.mark.django_db
def test_an_address_on_its_pages(made: World) -> None:
    client = signed_in(made.ann)

    def at(page: str, *arguments: Any) -> str:
        return reverse(f"admin:campaigns_mailsender_{page}", args=arguments)

    def text_of(answer: Any) -> str:
        return " ".join(answer.content.decode().split())

    yes = {"confirmed": "1"}
    bad = client.post(at("add"), {**yes, "name": "Jane", "address": "jane@gmail.com"})
    assert "use a domain of your own" in text_of(bad)
    given = {**yes, "name": "Jane", "address": "jane@no-dkim.example.com", "warm_up_from": "2026-09-20"}
    added = client.post(at("add"), given, follow=True)
    sender = MailSender.objects.get()
    assert sender.warm_up_from == date(2026, 9, 20)
    assert "Not checked yet." in text_of(added)
    client.get(at("check", sender.pk))
    sender.refresh_from_db()
    assert sender.checked_at is None
    checked = text_of(client.post(at("check", sender.pk), follow=True))
    assert "Enter the DKIM selector" in checked
    assert "No campaign can send from this address yet." in checked
    client.post(at("edit", sender.pk), {**yes, "name": "Jane", "dkim_selector": "s1", "daily_limit": "50"})
    assert "s1._domainkey.no-dkim.example.com" in text_of(client.post(at("check", sender.pk), follow=True))
    assert "DKIM missing or wrong" in text_of(client.get(at("changelist")))
    assert "DKIM of no-dkim.example.com is not right" in text_of(client.get(reverse("admin:campaigns_sender_setup")))
    client.post(at("retire", sender.pk), yes)
    sender.refresh_from_db()
    assert sender.retired_at is not None
    assert client.post(at("check", sender.pk)).status_code == 404
