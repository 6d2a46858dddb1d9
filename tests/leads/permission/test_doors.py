"""Permission by API, command and page: anybody adds a suppression, nobody takes one off, a manager does the rest."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from accounts.access import own_access, team_of
from accounts.models import Team
from common.db.clock import database_now
from leads.models import Consent, EvidenceText, Lead, Seller, Suppression, Upload
from leads.permission import importing
from leads.permission.adding import add_suppression
from leads.permission.consenting import give
from leads.permission.selling import BadSeller, flag_counts, missing_of, save_seller
from leads.permission.suppressing import in_force, suppress
from tests.admin_site import address, member, signed_in, staff, superuser
from tests.api.client import Api, body_of, refused
from tests.command_line import assert_refused, run
from tests.leads.permission.samples import PHONE, PROFILE, contact, digest, seller
from tests.leads.samples import make_leads
from tests.support import make_user, told

pytestmark = pytest.mark.django_db
CONSENT = {
    "phone": "617 555 0112", "channel": "sms", "type": "written", "how": "paper", "text": "I agree to texts",
    "givenAt": "2026-11-01T12:00:00Z",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _within_one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits count anew; and what a test enters twice is entered within one minute, by whatever clock it runs."""
    cache.clear()
    at = database_now()
    monkeypatch.setattr("leads.permission.adding.database_now", lambda: at)


def of_role(team: Team, role: str) -> Api:
    return Api(member(team, role, name=f"{role}-of-the-team")[0])


def test_a_request_that_follows_a_start_within_the_minute_counts_anew() -> None:
    ann = make_user("ann")
    company, access = seller(ann), own_access(ann)
    at = database_now().replace(second=0, microsecond=0)
    moments = iter([at, at + timedelta(seconds=20), at + timedelta(seconds=40)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("leads.permission.adding.database_now", lambda: next(moments))
        assert len(add_suppression(access=access, phone=PHONE).added) == 1
        give((1, PHONE), channel="sms", kind="start", seller=company, given_at=next(moments), how="inbound", at=at)
        assert not in_force([digest(PHONE)], "sms", seller_id=company.pk)
        assert len(add_suppression(access=access, phone=PHONE).added) == 1
    assert in_force([digest(PHONE)], "sms", seller_id=company.pk)


def test_what_keeps_us_from_our_leads_is_listed_whoever_added_it() -> None:
    ann, bob = make_user("ann", is_staff=True), make_user("bob")
    _, (lead,) = make_leads(1, by=ann)
    contact(lead)
    with transaction.atomic():
        suppress([(1, PHONE)], reason="stop", source="inbound:1")
        suppress([(1, "+16175550777")], reason="stop", source="inbound:2")  # nobody's
    add_suppression(access=own_access(bob), phone=PHONE, reason="operator")
    add_suppression(access=own_access(ann), phone="(617) 555-0778 ext. 5", reason="litigator")

    api = Api(ann)
    rows = body_of(api.get("/api/suppressions"))["suppressions"]
    assert [(row["hint"], row["reason"]) for row in rows] == [
        ("…0778", "litigator"), ("…0112", "suppressed"), ("…0112", "opted_out"),
    ]  # fmt: skip
    assert body_of(api.get(f"/api/suppressions/{rows[2]['id']}"))["suppression"]["reason"] == "opted_out"
    page = signed_in(ann).get(address(Suppression, "changelist")).content.decode()
    assert page.count("…0112") == 2
    assert "Opted out" in page
    assert "Texted STOP" not in page
    assert [row["reason"] for row in body_of(Api(bob).get("/api/suppressions"))["suppressions"]] == ["operator"]


def test_a_typed_consent_is_of_a_day_and_a_lead_that_there_are() -> None:
    ann, bob = make_user("ann"), make_user("bob")
    _, (lead,) = make_leads(1, by=bob)
    seller(ann)
    for wrong, field in (
        ({"givenAt": "0001-01-01T00:00:00Z"}, "givenAt"), ({"leadId": str(lead.pk)}, "leadId"),
        ({"phone": "(617) 555-0112 ext. 5"}, "phone"),
    ):  # fmt: skip
        refused(Api(ann).post("/api/consents", {**CONSENT, **wrong}), 400, field)
    assert not Consent.objects.exists()


def test_a_slip_in_the_companys_name_is_not_for_ever() -> None:
    ann = make_user("ann")
    first = seller(ann)
    save = partial(save_seller, team_id=team_of(ann), by=ann)
    assert save(values={"legal_name": "ACME Homes, L.L.C."}).pk == first.pk
    with pytest.raises(BadSeller):
        save(values={"legal_name": " "})
    other = save(values={"legal_name": "Acme Horses LLC"})
    assert other.pk != first.pk
    back = save(values={"legal_name": "Acme Homes LLC", "san": "12-34"}, attest=True)
    assert (back.pk, back.legal_name, back.san, missing_of(back)) == (first.pk, "Acme Homes LLC", "12-34", ())
    assert list(Seller.objects.filter(replaced_at=None)) == [first]


@pytest.mark.long
def test_every_role_suppresses_and_nobody_deletes_or_changes() -> None:
    ann = make_user("ann")
    team = ann.memberships.get().team
    _, (lead,) = make_leads(1, by=ann)
    contact(lead, secondary_phone="+16175550113")
    for n, role in enumerate(("reader", "caller", "buyer", "manager")):
        api = of_role(team, role)
        body = {"phone": f"(617) 555-012{n}", "words": "Never again"}
        assert body_of(api.post("/api/suppressions", body), 201)["added"] == 1
        assert body_of(api.post("/api/suppressions", body), 201)["added"] == 0
        for send in (api.delete, api.put, api.patch):
            assert send("/api/suppressions").status_code == 405
        one = f"/api/suppressions/{Suppression.objects.latest('pk').pk}"
        assert (api.get(one).status_code, api.delete(one).status_code) == (200, 405)
    assert EvidenceText.objects.filter(text="Never again").count() == 4
    api = Api(ann)
    assert body_of(api.post("/api/suppressions", {"phone": PHONE}), 201)["added"] == 2  # her second number too
    assert body_of(api.post("/api/suppressions", {"email": "Pat@Example.com", "reason": "operator"}), 201)["added"] == 1
    first, *rest = body_of(api.get("/api/suppressions?limit=10"))["suppressions"]
    assert (first["kind"], first["hint"], first["reason"], len(rest)) == ("email", "p…@example.com", "operator", 6)
    assert PHONE not in str([first, *rest])
    assert body_of(Api(make_user("bob")).get("/api/suppressions"))["suppressions"] == []
    for wrong, field in (
        ({}, "phone"), ({"phone": "911"}, "phone"), ({"email": "pat"}, "email"),
        ({"phone": PHONE, "email": "a@b.co"}, "phone"),
        ({"phone": PHONE, "reason": "stop"}, "reason"), ({"phone": PHONE, "scope": "fax"}, "scope"),
        ({"phone": PHONE, "source": "x"}, "source"), ({"phone": PHONE, "words": "x" * 1001}, "words"),
    ):  # fmt: skip
        refused(api.post("/api/suppressions", wrong), 400, field)
    assert Suppression.objects.count() == 7


def test_a_masked_caller_suppresses_a_number_of_her_lead_by_its_place() -> None:
    ann = make_user("ann")
    team = ann.memberships.get().team
    _, (lead, same, strange) = make_leads(3, by=ann)
    owner = {"owner_name": "PAT DOE", "mailing_address": "9 Elm St", "mailing_zip": "76701"}
    contact(lead, secondary_phone="+16175550113", email="Pat@example.com", owner=owner)
    contact(same, phone="+16175550114", owner=owner)
    contact(strange, phone="+16175550115")
    caller, _ = member(team, "caller", name="cal")
    caller.memberships.filter(team=team).update(is_masked=True)
    api, url = Api(caller), "/api/suppressions"
    refused(api.post(url, {"leadId": str(lead.pk), "phonePosition": 1}), 400, "leadId")  # not hers
    Lead.objects.filter(pk=lead.pk).update(assigned_to=caller)
    of_lead = {"leadId": str(lead.pk), "reason": "operator"}
    for wrong, field in (
        ({**of_lead}, "phonePosition"), ({**of_lead, "phonePosition": 3}, "phonePosition"),
        ({**of_lead, "phonePosition": 0}, "phonePosition"), ({**of_lead, "phonePosition": "one"}, "phonePosition"),
        ({**of_lead, "emailPosition": 2}, "emailPosition"), ({**of_lead, "everything": "maybe"}, "everything"),
        ({**of_lead, "phonePosition": 1, "emailPosition": 1}, "emailPosition"),
        ({**of_lead, "phonePosition": 1, "everything": True}, "everything"),
        ({**of_lead, "phonePosition": 2, "masked": "•••• 0112"}, "masked"),
        ({**of_lead, "everything": True, "masked": "•••• 0112"}, "masked"),
        ({**of_lead, "phonePosition": 1, "phone": PHONE}, "leadId"), ({"phonePosition": 1}, "phonePosition"),
        ({"phone": PHONE, "masked": "•••• 0112"}, "masked"), ({"everything": True}, "everything"),
        ({**of_lead, "leadId": str(strange.pk), "phonePosition": 1}, "leadId"),
        ({**of_lead, "leadId": "1", "phonePosition": 1}, "leadId"),
        ({**of_lead, "phonePosition": 1, "reason": "stop"}, "reason"),
    ):  # fmt: skip
        refused(api.post(url, wrong), 400, field)
    assert not Suppression.objects.exists()

    one = {**of_lead, "phonePosition": 2, "masked": "•••• 0113", "words": "Wrong house"}
    assert body_of(api.post(url, one), 201)["added"] == 1
    assert in_force([digest("+16175550113")], "sms") and not in_force([digest(PHONE)], "sms")
    mail = {**of_lead, "emailPosition": 1, "masked": "p••••@example.com"}
    assert body_of(api.post(url, mail), 201)["added"] == 1
    assert body_of(api.post(url, {**of_lead, "everything": "yes"}), 201)["added"] == 2  # her other house's number, too
    assert in_force([digest(PHONE)], "call") and in_force([digest("+16175550114")], "call")
    assert not in_force([digest("+16175550115")], "call")
    audited = [(who, after["keys"]) for who, _, after in told("contact.suppressed")]
    assert audited == [("cal", 1), ("cal", 1), ("cal", 2)]


@pytest.mark.long
def test_her_leads_page_suppresses_a_contact_that_it_shows_masked() -> None:
    ann = make_user("ann", is_staff=True)
    team = ann.memberships.get().team
    _, (lead, bare) = make_leads(2, by=ann)
    contact(lead, secondary_phone="+16175550113")
    caller, client = member(team, "caller", name="cal")
    caller.memberships.filter(team=team).update(is_masked=True)
    Lead.objects.update(assigned_to=caller)
    page = address(Lead, "change", lead.pk)
    form = {"do": "suppress", "reason": "litigator", "scope": "any", "words": "I sue"}

    shown = client.get(page).content.decode()
    assert "Phone •••• 0113" in shown and "Everything of this owner" in shown and "0113</option>" in shown
    assert 'value="suppress"' not in client.get(address(Lead, "change", bare.pk)).content.decode()
    changed = "The contacts of this lead have changed"
    for which, words in (("", "This field is required."), ("phone 2 •••• 0112", changed)):
        refusal = client.post(page, {**form, "which": which})
        assert (refusal.status_code, words in refusal.content.decode()) == (200, True)
    assert not Suppression.objects.exists()
    done = client.post(page, {**form, "which": "phone 2 •••• 0113"}, follow=True).content.decode()
    assert "Suppressed. Nobody here contacts them any more." in done
    row = Suppression.objects.get()
    assert (bytes(row.digest), row.reason, row.by_id) == (digest("+16175550113")[1], "litigator", caller.pk)
    again = {**form, "which": "everything"}
    assert client.post(page, again).status_code == 302
    assert Suppression.objects.count() == 2
    assert "It was suppressed already." in client.post(page, again, follow=True).content.decode()
    _, reader = member(team, "reader", name="rea")
    assert reader.post(page, {**form, "which": "phone 1 •••• 0112"}).status_code == 302
    _, stranger = staff("bob")
    assert stranger.post(page, again).status_code == 404


def test_a_look_says_yes_or_no_is_written_down_and_counted() -> None:
    ann = make_user("ann")
    api = Api(ann)
    assert body_of(api.get("/api/suppressions/check?phone=6175550112")) == {
        "success": True, "suppressed": False, "since": None
    }  # fmt: skip
    body_of(Api(make_user("bob")).post("/api/suppressions", {"phone": PHONE}), 201)
    found = body_of(api.get("/api/suppressions/check?phone=%2B16175550112"))
    assert (found["suppressed"], found["since"] is not None) == (True, True)
    refused(api.get("/api/suppressions/check"), 400, "phone")
    assert [after for _, _, after in told("contact.checked")] == [{"found": False}, {"found": True}]
    for _ in range(27):
        api.get("/api/suppressions/check?phone=1")
    refused(api.get("/api/suppressions/check?phone=6175550112"), 429)


def test_a_consent_is_recorded_by_a_manager_of_a_team_with_a_company() -> None:
    ann = make_user("ann")
    team, api = ann.memberships.get().team, Api(ann)
    refused(api.post("/api/consents", CONSENT), 400, "sellerId")
    ours = seller(ann)
    refused(of_role(team, "buyer").post("/api/consents", CONSENT), 403)
    for change, field in (
        ({"givenAt": "2126-01-01T00:00:00Z"}, "givenAt"), ({"text": " "}, "text"), ({"how": "spoken"}, "how"),
        ({"how": "form"}, "how"), ({"type": "start"}, "type"), ({"phone": "1"}, "phone"),
        ({"channel": "email"}, "channel"),
        ({"givenAt": "soon"}, "givenAt"),
    ):  # fmt: skip
        refused(api.post("/api/consents", CONSENT | change), 400, field)
    assert Consent.objects.count() == 0
    given = body_of(api.post("/api/consents", CONSENT), 201)["consent"]
    again = body_of(api.post("/api/consents", CONSENT), 201)["consent"]
    assert (again["id"], given["hint"], given["expiresAt"]) == (given["id"], "…0112", "2028-11-01T12:00:00Z")
    row = Consent.objects.get()
    assert (row.seller, row.by_id, EvidenceText.objects.get().parent) == (ours, ann.pk, row.pk)
    assert [one["id"] for one in body_of(api.get("/api/consents"))["consents"]] == [given["id"]]
    assert body_of(Api(make_user("bob")).get("/api/consents"))["consents"] == []


def test_a_list_by_the_api_is_seen_started_withdrawn_and_its_refusals_downloaded() -> None:
    ann, bob = make_user("ann"), make_user("bob")
    make_leads(1, by=ann)
    api, other = Api(ann), Api(bob)
    made = body_of(api.upload("/api/suppressions/import", b"Phone\n6175550112\nx\n"), 201)["upload"]
    assert (made["status"], made["rows"], made["refused"], made["needsSuperuser"]) == ("previewed", 2, 1, False)
    one = f"/api/uploads/{made['id']}"
    for send in (other.get(one), other.post(f"{one}/start"), other.get(f"{one}/refused")):
        refused(send, 404)
    refused(api.post(f"{one}/withdraw", {"reason": "x"}), 409)
    assert body_of(api.post(f"{one}/start"), 202)["upload"]["status"] == "running"
    refused(api.post(f"{one}/start"), 409)
    assert importing.continue_upload(Upload.objects.get().pk) is False
    seen = body_of(api.get(one))["upload"]
    assert (seen["status"], seen["rows"], seen["added"], seen["known"], seen["refused"]) == ("completed", 2, 1, 0, 1)
    rows = b"".join(api.get(f"{one}/refused").streaming_content).decode().splitlines()
    assert rows == ["Line,Reason", "3,Its phone or e-mail cannot be read"]
    refused(api.post(f"{one}/withdraw", {}), 400, "reason")
    refused(of_role(ann.memberships.get().team, "buyer").post(f"{one}/withdraw", {"reason": "x"}), 403)
    body_of(api.post(f"{one}/withdraw", {"reason": "The wrong list"}))
    assert body_of(api.get("/api/suppressions/check?phone=6175550112"))["suppressed"] is False
    refused(api.upload("/api/suppressions/import", b"%PDF"), 400, "file")
    refused(api.upload("/api/consents/import", b"x"), 400)
    refused(api.upload("/api/scrubs/import", b"x"), 400)


def test_the_sellers_profile_is_checked_attested_and_replaced() -> None:
    ann = make_user("ann")
    api = Api(ann)
    assert body_of(api.get("/api/sellers"))["seller"] is None
    wrong = {"callbackPhone": "911", "replyEmail": "x", "fromDomain": "x y", "san": "??", "dkimSelector": "a b"}
    answer = api.put("/api/sellers", wrong)
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, set(wrong))
    empty = api.put("/api/sellers", {"legalName": "Acme", "attest": True}).json()["error"]
    assert set(empty["fields"]) == {"postalAddress", "callbackPhone", "policyText"}
    refused(of_role(ann.memberships.get().team, "buyer").put("/api/sellers", {"legalName": "Acme"}), 403)
    assert not Seller.objects.exists()
    half = body_of(api.put("/api/sellers", {"legalName": "Acme Homes LLC"}))["seller"]
    assert half["missing"] == ["postalAddress", "callbackPhone", "policyText", "attestedAt"]
    whole = seller(ann)
    assert (missing_of(whole), whole.callback_phone) == ((), "+16175550100")
    signed = save_seller(team_id=team_of(ann), by=ann, values={}, acknowledge_flag=True)
    assert signed.pk == whole.pk and signed.attested_at == whole.attested_at
    at = signed.flag_acknowledged_at
    assert (
        at is not None and flag_counts(signed, at) and not flag_counts(signed, at.replace(year=at.year + 1, month=12))
    )
    assert missing_of(save_seller(team_id=team_of(ann), by=ann, values={"san": "123-4"})) == ("attested_at",)
    other = save_seller(team_id=team_of(ann), by=ann, values={"legal_name": "Other LLC"})
    assert other.pk != whole.pk and (other.postal_address, other.flag_acknowledged_at) == (
        PROFILE["postal_address"],
        None,
    )
    assert Seller.objects.get(pk=whole.pk).replaced_at is not None
    with pytest.raises(BadSeller):
        save_seller(team_id=team_of(ann), by=ann, values={"owner": "x"})
    assert told("seller.changed")[-1][2] == {"fields": ["legal_name"], "attested": False}


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_commands_do_the_same_and_say_what_they_refuse(tmp_path: Path) -> None:
    ann = make_user("ann")
    make_leads(1, by=ann)
    assert run("suppress", "--user", "ann", "--phone", "6175550112", "--json").json == {"added": 1}
    assert_refused(run("suppress", "--user", "ann", "--phone", "1"), "--phone: This is no phone that could be called.")
    path, refusals = tmp_path / "list.csv", tmp_path / "refused.csv"
    path.write_text("Phone\n6175550112\n6175550113\nx\n")
    looked = run("import_suppressions", path, "--user", "ann", "--dry-run", "--json").json
    assert (looked["rows"], looked["refused"], looked["status"]) == (3, 1, "previewed")
    done = run("import_suppressions", path, "--user", "ann", "--refused", refusals, "--json")
    assert {name: done.json[name] for name in ("rows", "added", "known", "refused")} == {
        "rows": 3, "added": 1, "known": 1, "refused": 1
    }  # fmt: skip
    assert refusals.read_text().splitlines()[1] == "4,Its phone or e-mail cannot be read"
    scrub = ("import_scrub", path, "--user", "ann", "--list", "state:TX", "--version-date", "2026-11-30")
    assert_refused(run(*scrub, "--listed", "yes"),
                   "sellerId: Say whose file it is: your team's active company. Set it up first.")  # fmt: skip
    seller(ann)
    assert run(*scrub, "--listed", "yes", "--json").json["added"] == 2
    path.write_text("Phone,Text,Date,Source\n6175550113,x,2026-11-01,y\n6175550115,x,2026-11-01,y\n")
    consents = ("import_consents", path, "--user", "ann", "--type", "written", "--channel", "sms")
    assert "acknowledged: Confirm" in run(*consents).err
    assert run(*consents, "--acknowledge", "--json").json["added"] == 1  # the other is suppressed


def test_pages_add_look_up_and_lead_a_list_to_its_end() -> None:
    ann, client = staff("ann")
    make_leads(1, by=ann)
    added = client.post(
        address(Suppression, "add"), {"confirmed": "1", "phone": PHONE, "reason": "dnc_request", "scope": "any"}
    )
    assert (added.status_code, Suppression.objects.count()) == (302, 1)
    assert "…0112" in client.get(address(Suppression, "changelist")).content.decode()
    row = Suppression.objects.get()
    assert client.post(address(Suppression, "delete", row.pk)).status_code == 403
    seen = client.get(address(Suppression, "change", row.pk)).content.decode()
    assert "Asked not to be called" in seen and PHONE not in seen
    looked = client.post(address(Suppression, "check"), {"confirmed": "1", "phone": PHONE}).content.decode()
    assert "Yes: suppressed since" in looked
    wrong = client.post(address(Suppression, "add"), {"confirmed": "1", "reason": "operator", "scope": "any"})
    assert "Give a phone or an e-mail." in wrong.content.decode()

    assert client.post(address(Seller, "add"), {"confirmed": "1", **PROFILE, "attest": "on"}).status_code == 302
    assert missing_of(Seller.objects.get()) == ()
    consent = {"confirmed": "1", "phone": "6175550114", "channel": "sms", "kind": "written", "how": "paper",
               "given_at": "2026-11-01T12:00", "text": "I agree"}  # fmt: skip
    assert client.post(address(Consent, "add"), consent).status_code == 302
    assert Consent.objects.get().hint == "…0114"

    def upload(text: bytes, **said: Any) -> Any:
        return client.post(
            address(Upload, "add"), {"confirmed": "1", "file": SimpleUploadedFile("list.csv", text), **said}
        )

    sent = upload(b"6175550115\nx\n", kind="suppressions", scope="any")
    assert sent.status_code == 302, sent.context["form"].errors
    job = Upload.objects.get()
    page = client.get(address(Upload, "change", job.pk)).content.decode()
    assert "…0115" in page and "Start" in page
    assert client.post(address(Upload, "start", job.pk)).status_code == 302
    importing.continue_upload(job.pk)
    page = client.get(address(Upload, "change", job.pk)).content.decode()
    assert "Withdraw" in page and "Download refused rows" in page
    assert b"2,Its phone" in b"".join(client.get(address(Upload, "refused", job.pk)))
    assert client.post(address(Upload, "withdraw", job.pk), {"confirmed": "1", "reason": "wrong"}).status_code == 302
    assert "Withdrawn on" in client.get(address(Upload, "change", job.pk)).content.decode()
    assert "Say federal" in upload(b"6175550115\n", kind="scrub").content.decode()
    team = ann.memberships.get().team
    for role in ("reader", "caller"):
        _, hers = member(team, role)
        assert hers.get(address(Suppression, "add")).status_code == 200
        assert hers.get(address(Consent, "add")).status_code == 403
        assert hers.get(address(Seller, "add")).status_code == 403
    _, boss = superuser()
    assert "…0112" in boss.get(address(Suppression, "changelist")).content.decode()
    _, stranger = staff("bob")
    assert stranger.get(address(Upload, "change", job.pk)).status_code == 404
    assert "…0112" not in stranger.get(address(Suppression, "changelist")).content.decode()
