"""A campaign's dry run of 2,000 people who may be texted.

Timed: `making.make_preview` of one that waits, from taking it to its commit: the audience, every person's facts, every
rule at her minute, three texts of each written and counted, the digest, 6,000 lines by COPY.

The baseline does the part that nobody can leave out: it reads the same leads and writes the same lines with COPY.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness import Contestant, Report, by_rate, race
from benchmarks.place import Place

PEOPLE, STEPS = 2_000, 3
AIM = 5.0  # seconds
CLOCK = (datetime(2026, 9, 15, 17, tzinfo=UTC), 1)  # an hour in which all may be texted
TEXT = "Hi {{firstName|there}}, this is {{companyName}} about {{address}}. Reply STOP to end."
PROFILE = {
    "legal_name": "Acme Homes LLC", "postal_address": "1 Main St, Boston, MA 02108", "callback_phone": "617-555-0100",
    "policy_text": "We do not contact who asked us not to.",
}  # fmt: skip


def measure(place: Place, *, rounds: int, people: int = PEOPLE) -> Report:
    from django.db import transaction
    from django.test import override_settings

    from campaigns.models import Preview
    from campaigns.previews import computing, making
    from campaigns.previews.asking import start_preview

    now = datetime.now(UTC)
    with override_settings(CAMPAIGN_CLOCK=CLOCK):
        campaign, access = campaign_of(place, people, now)

        def asked() -> Preview:
            return start_preview(campaign=campaign, access=access)

        def dry_run(preview: Preview) -> int:
            if making.make_preview(preview.pk) is None:
                raise AssertionError("another worker has it")
            preview.refresh_from_db()
            if (preview.people, preview.error) != (people, ""):
                raise AssertionError(f"{preview.people} people, {preview.left_out}, {preview.error}")
            return preview.people

        kept = computing.compute(campaign)  # what the baseline writes

        def bare(_: object) -> int:
            preview = Preview(campaign=campaign)
            read = list(campaign_leads(campaign))
            with transaction.atomic():
                making.fill(preview, kept)
                preview.save(force_insert=True)
                making.copy_lines(preview, kept)
            return len(read)

        ways = [
            Contestant("read and COPY alone", bare, restore=_forget_others),
            Contestant("dry run", dry_run, prepare=asked),
        ]
        seconds = race(ways, rounds=rounds, rows=people)
    results = by_rate(seconds, rows=people, baseline="read and COPY alone")
    return {
        "benchmark": "dry_run",
        "what": f"{people:,} people, {STEPS} steps each",
        "baseline": "read and COPY alone",
        "aim": f"2,000 people in under {AIM:.0f} s; {sorted(seconds['dry run'])[-1]:.2f} s at most measured",
        "results": results,
    }


def _forget_others() -> None:
    """The dry runs that are no campaign's latest."""
    from campaigns.models import Campaign, Preview

    latest = Campaign.objects.exclude(preview=None).values("preview")
    Preview.objects.exclude(pk__in=latest).delete()


def campaign_leads(campaign: Any) -> Any:
    """The leads of the campaign, as the dry run reads them."""
    from campaigns.planning.audience import Audience, leads_of
    from campaigns.texts.rendering import PERSON_COLUMNS

    leads = leads_of(Audience.from_json(campaign.audience), team_id=campaign.team_id, owner=campaign.owner)
    return leads.values("pk", "phone", *PERSON_COLUMNS)


def campaign_of(place: Place, people: int, now: datetime) -> Any:
    """A company that may text these people, and a draft over a bucket of theirs."""
    from django.db import transaction

    from accounts.access import own_access
    from buckets.services import create_bucket
    from campaigns.planning.audience import Audience
    from campaigns.planning.campaigns import Plan, create_campaign
    from campaigns.planning.steps import StepPlan, VariantPlan
    from campaigns.setup.senders import add_sender
    from campaigns.setup.state_answers import Given, answer_states
    from campaigns.texts.templates import create_template
    from common.db.ids import uuid7
    from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
    from leads.models import Consent, ContactKey, Lead
    from leads.permission.selling import save_seller

    access = own_access(place.user)
    team_id = access.team_id
    assert team_id is not None
    seller = save_seller(team_id=team_id, by=place.user, values=PROFILE, attest=True)
    add_sender(by=place.user, seller=seller, number="617-555-0199", vendor="twilio", registration_id="C1")
    answer_states(by=place.user, seller=seller, answers=[Given("MA", "not_needed"), Given("WA", "not_needed")])
    bucket, _ = create_bucket(
        by=place.user, name="Dry run", property_ids=[str(900_000_000 + n) for n in range(people)], team_id=team_id
    )
    leads = list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("pk", flat=True))
    for start in range(0, people, 500):
        part = [(number, leads[number]) for number in range(start, min(start + 500, people))]
        with transaction.atomic():
            save_facts(PROPERTY, [FactRow(pk, _owner(number), now) for number, pk in part])
            save_facts(CONTACT, [FactRow(pk, _phone(number), now) for number, pk in part])
    keys = ContactKey.objects.filter(kind=1, leads__lead__bucket=bucket)
    signed = now - timedelta(days=200)
    Consent.objects.bulk_create(
        Consent(
            id=uuid7(), key_kind=1, digest=bytes(key.digest), hint=key.hint, channel="sms", kind="written",
            seller=seller, text_hash="0" * 64, given_at=signed, how="paper", created_at=now,
        )
        for key in keys
    )  # fmt: skip
    template, _ = create_template(by=place.user, team_id=team_id, name="Dry run", text=TEXT)
    steps = [StepPlan([VariantPlan(template_id=template.pk)], delay_amount=3 * bool(n)) for n in range(STEPS)]
    plan = Plan(name="Dry run", audience=Audience(bucket_id=bucket.pk), steps=steps)
    return create_campaign(access=access, plan=plan)[0], access


def _owner(number: int) -> dict[str, Any]:
    state, city, code = [("MA", "Boston", "02108"), ("WA", "Seattle", "98101")][number % 2]
    street = f"{number + 1} Oak St"
    letters = "".join(chr(97 + int(digit)) for digit in str(number))
    return {
        "first_name": "Ada", "last_name": f"Love{letters}", "owner_type": "individual",
        "property_address": street, "property_city": city, "property_state": state, "property_zip": code,
        "mailing_address": street, "mailing_city": city, "mailing_state": state, "mailing_zip": code,
    }  # fmt: skip


def _phone(number: int) -> dict[str, Any]:
    return {"phone": f"+1{[617, 206][number % 2]}{2_000_000 + number}", "phone_type": "mobile"}
