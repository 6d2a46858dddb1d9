"""E-mail templates and snippets by API and pages: refused by part, frozen in versions, looked at before."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from campaigns.models import Link, Snippet, TemplateVersion
from campaigns.texts.mail import HIDDEN
from leads.models import Lead
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import World, world
from tests.support import make_user, told

pytestmark = pytest.mark.django_db
TEXT = "Hi {{firstName|there}}, see https://acme.example/offer.\n\n{{companyAddress}}\nUnsubscribe: {{unsubscribeUrl}}"
MAIL = {"name": "Mail", "channel": "email", "subject": "About {{address}}", "text": TEXT}
HTML = (
    "<style>p { color: #333333 }</style><p>Hi {{firstName}}</p><p>{{companyAddress}} "
    '<a href="{{unsubscribeUrl}}">Unsubscribe</a> <a href="https://acme.example/faq">FAQ</a></p>'
)


@pytest.fixture
def made() -> World:
    return world(2, ann=make_user("ann", is_staff=True))


def test_an_e_mail_template_is_saved_with_both_parts_and_its_links(made: World) -> None:
    api = Api(made.ann)
    template = body_of(api.post("/api/templates", MAIL), 201)["template"]
    version = template["version"]
    assert (template["channel"], version["subject"], version["text"]) == ("email", "About {{address}}", TEXT)
    assert version["segments"] is None and '<a href="{{unsubscribeUrl}}">Unsubscribe</a>' in version["html"]
    assert version["typed"] == {"subject": "About {{address}}", "text": TEXT, "html": ""}
    assert version["variables"] == ["address", "companyAddress", "firstName", "unsubscribeUrl"]
    assert set(Link.objects.values_list("url", flat=True)) == {"https://acme.example/offer", HIDDEN}
    listed = body_of(api.get("/api/templates"))["templates"][0]
    assert listed["id"] == template["id"] and "html" not in listed["version"]

    path = f"/api/templates/{template['id']}"
    assert body_of(api.patch(path, {"subject": "About {{address}}"}))["template"]["version"]["number"] == 1
    html = body_of(api.patch(path, {"html": HTML}))["template"]["version"]
    assert (html["number"], html["text"]) == (2, TEXT) and '<p style="color: #333333;">Hi' in html["html"]
    assert html["typed"]["html"] == HTML
    alone = body_of(api.patch(path, {"text": ""}))["template"]["version"]
    assert alone["text"].startswith("Hi {{firstName}}\n\n{{companyAddress}} Unsubscribe: {{unsubscribeUrl}}")
    assert Link.objects.filter(version=alone["id"]).count() == 2  # the FAQ, and the one that nobody sees
    assert told("template.changed")[-1][2] is not None


def test_what_cannot_be_sent_is_refused_with_its_part_and_place_and_nothing_is_kept(made: World) -> None:
    api, before = Api(made.ann), TemplateVersion.objects.count()
    for more, field, position in (
        ({"subject": ""}, "subject", None),
        ({"subject": "Hi {{firstname}}"}, "subject", "3"),
        ({"text": "x {{#a}}" + TEXT}, "text", "2"),
        ({"html": "<p>x</p><script>1</script>" + HTML}, "html", "8"),
        ({"html": '<img src="cid:1">' + HTML}, "html", "0"),
        ({"text": "Hello"}, "text", None),
        ({"attachments": ["a.pdf"]}, "attachments", None),
        ({"channel": "call"}, "channel", None),
        ({"channel": "sms"}, "subject", None),
        ({"text": "", "html": ""}, "text", None),
    ):
        answer = api.post("/api/templates", {**MAIL, **more})
        refused(answer, 400, field)
        assert answer.json()["error"]["fields"].get("position") == ([position] if position else None), more
    assert TemplateVersion.objects.count() == before
    refused(Api(make_user("bob")).get(f"/api/templates/{made.template.pk}"), 404)


def test_a_preview_shows_sample_values_or_a_leads_escaped_by_part_and_warns(made: World) -> None:
    api = Api(made.ann)
    asked = {"channel": "email", "subject": "ACT NOW {{firstName}}", "html": HTML.replace("https", "http", 1)}
    shown = body_of(api.post("/api/templates/preview", asked))["preview"]
    assert (shown["subject"], shown["missing"], shown["segments"]) == ("ACT NOW Maria", [], 0)
    assert "1 Main St, Boston, MA 02108" in shown["text"] and shown["bytes"] == len(shown["html"].encode())
    assert any("act now" in one for one in shown["warnings"]) and any("use https" in one for one in shown["warnings"])
    Lead.objects.filter(pk=made.leads[0].pk).update(first_name="<b>Ann\r\nBcc: x@example.com")
    hers = body_of(api.post("/api/templates/preview", {**asked, "leadId": str(made.leads[0].pk)}))["preview"]
    assert (
        hers["subject"] == "ACT NOW <b>Ann Bcc: x@example.com" and "Hi &lt;b&gt;Ann Bcc: x@example.com" in hers["html"]
    )
    Lead.objects.filter(pk=made.leads[0].pk).update(first_name="")
    hers = body_of(api.post("/api/templates/preview", {**asked, "leadId": str(made.leads[0].pk)}))["preview"]
    assert (hers["missing"], hers["html"]) == (["firstName"], "")
    assert TemplateVersion.objects.count() == 1


def test_snippets_are_the_companys_and_stay_in_a_version_as_they_were(made: World) -> None:
    api, bob = Api(made.ann), Api(make_user("bob"))
    for bad, field in (
        ({"name": "My one"}, "name"), ({"name": "x" * 41}, "name"), ({"text": " "}, "text"),
        ({"text": "{{firstname}}"}, "text"), ({"text": "{{snippet:other}}"}, "text"), ({"text": "x" * 2_001}, "text"),
        ({"text": "https://a.example/{{zip}}"}, "text"),
    ):  # fmt: skip
        refused(api.post("/api/snippets", {"name": "signature", "text": "Jane", **bad}), 400, field)
    snippet = body_of(api.post("/api/snippets", {"name": "signature", "text": "Jane\n{{agentPhone}}"}), 201)["snippet"]
    path = f"/api/snippets/{snippet['id']}"
    refused(api.post("/api/snippets", {"name": "signature", "text": "x"}), 400, "name")
    assert refused(bob.post("/api/snippets", {"name": "signature", "text": "x"}), 409)  # he has no company yet
    refused(bob.get(path), 404)
    text = "{{snippet:signature}}\n" + TEXT
    mail = body_of(api.post("/api/templates", {**MAIL, "text": text}), 201)["template"]
    assert mail["version"]["text"].startswith("Jane\n{{agentPhone}}\n") and mail["version"]["typed"]["text"] == text
    assert "Jane<br>{{agentPhone}}<br>" in mail["version"]["html"]
    sms = body_of(api.post("/api/templates", {"name": "Sms", "text": "{{snippet:signature}} STOP ends"}), 201)[
        "template"
    ]
    assert sms["version"]["text"] == "Jane\n{{agentPhone}} STOP ends"
    said = refused(api.post("/api/templates", {"name": "No", "text": "Hi {{snippet:signatur}}"}), 400, "text")
    assert "did you mean {{snippet:signature}}?" in said

    body_of(api.patch(path, {"text": "June"}))
    assert body_of(api.get(f"/api/templates/{mail['id']}"))["template"]["version"]["text"].startswith("Jane")
    again = body_of(api.patch(f"/api/templates/{mail['id']}", {"text": text}))["template"]["version"]
    assert (again["number"], again["text"][:5]) == (2, "June\n")
    body_of(api.delete(path))
    refused(api.patch(f"/api/templates/{mail['id']}", {"text": text}), 400, "text")
    assert Snippet.objects.count() == 0
    assert [what for _, what, _ in told("snippet.created", "snippet.changed", "snippet.deleted")] == [
        "snippet.created", "snippet.changed", "snippet.deleted",
    ]  # fmt: skip


@pytest.mark.long
def test_on_pages_an_e_mail_is_written_shown_in_a_frame_without_rights_and_refused_beside_its_field(
    made: World,
) -> None:
    client, add = signed_in(made.ann), reverse("admin:campaigns_template_add") + "?channel=email"
    page = client.get(add)
    assert "img-src 'self' data: https:" in page.headers["Content-Security-Policy"]
    said = {"name": "Mail", "subject": "About {{address}}", "text": TEXT, "html": ""}
    bad = client.post(add, {**said, "html": "<script>1</script>"})
    assert bad.status_code == 200 and "Scripts cannot be sent" in bad.content.decode()
    assert "(character 1)" in bad.content.decode()
    answer = client.post(add, said)
    version = TemplateVersion.objects.get(template__name="Mail")
    assert answer.status_code == 302 and str(version.template_id) in answer["Location"]
    saved = client.get(answer["Location"]).content.decode()
    assert saved.count("<iframe") == 2 == saved.count(" sandbox srcdoc=") and "default-src &#x27;none&#x27;" in saved
    shown: Any = client.post(
        reverse("admin:campaigns_template_shown_mail"), {**said, "lead": str(made.leads[0].pk), "text": TEXT + "!!"}
    )
    assert "About 1 Oak St" in shown.content.decode() and "exclamation" in shown.content.decode()
    assert client.get(reverse("admin:campaigns_template_shown_mail")).status_code == 405
    client.post(answer["Location"], {**said, "subject": "Your house"})
    assert version.template.versions.count() == 2

    add = reverse("admin:campaigns_snippet_add")
    assert client.post(add, {"confirmed": "1", "name": "Bad Name", "text": "x"}).status_code == 200
    assert client.post(add, {"confirmed": "1", "name": "signature", "text": "Jane"}).status_code == 302
    one = Snippet.objects.get()
    assert client.post(reverse("admin:campaigns_snippet_change", args=[one.pk]), {
        "confirmed": "1", "name": "signature", "text": "June"}).status_code == 302  # fmt: skip
    assert Snippet.objects.get().text == "June"
    assert client.post(reverse("admin:campaigns_snippet_remove", args=[one.pk]), {"confirmed": "1"}).status_code == 302
    assert not Snippet.objects.exists()
