"""Many rows of what is known of people, of campaigns and of messages, and the queries over them that must be quick.

For tests/test_indexes.py, whose buckets, leads and keys are there already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.timezone import now

from accounts.access import own_access
from buckets.models import Bucket
from campaigns.inbound import history
from campaigns.locks import claim_due_members
from campaigns.models import (
    CallAttempt,
    Campaign,
    Conversation,
    Delivery,
    DeliveryEvent,
    Emergency,
    Inbound,
    IncomingMessage,
    Link,
    MailSender,
    Member,
    Preview,
    PreviewLine,
    Receipt,
    Sender,
    Touch,
)
from campaigns.previews.reading import people_of
from campaigns.sending.suppressing import MEANS
from campaigns.tracking.touching import forget_networks, untold
from common.api.paging import page
from integrations.models import VendorCall
from leads.models import Consent, ContactKey, Lead, RefusedRow, Scrub, Upload

SOME_DAY = datetime(2026, 11, 29, tzinfo=UTC)
ROWS = [
    # what is known of people: of one company, about 20,000 numbers
    """INSERT INTO leads_seller (id, team_id, legal_name, trade_name, postal_address, callback_phone, reply_email,
           from_domain, dkim_selector, san, policy_text, created_at, updated_at)
       SELECT uuidv7(), id, 'Acme', '', '', '', '', '', '', '', '', now(), now() FROM accounts_team
        WHERE name <> 'with webhooks'""",
    """INSERT INTO leads_consent (id, key_kind, digest, hint, channel, kind, seller_id, text_hash, given_at, how,
           source_url, reference, created_at)
       SELECT uuidv7(), 1, sha256(n::text::bytea), '', 'sms', 'express', s.id, '', now() - n * interval '1 s', 'form',
              '', '', now() FROM generate_series(1, 20000) n, (SELECT id FROM leads_seller ORDER BY id LIMIT 1) s""",
    """INSERT INTO leads_scrub (id, seller_id, digest, list, listed, checked_at, source, san)
       SELECT uuidv7(), s.id, sha256(n::text::bytea), 'federal', false, now(), 'vendor_flag', ''
         FROM generate_series(1, 20000) n, (SELECT id FROM leads_seller ORDER BY id LIMIT 1) s""",
    """INSERT INTO leads_upload (id, team_id, kind, file_name, options, status, after, rows, added, known, refused,
           hits,
           error, created_at, updated_at)
       SELECT uuidv7(), t.id, 'suppressions', 'list.csv', '{}', 'completed', 0, 0, 0, 0, 0, 0, '', now(), now()
         FROM (SELECT id FROM accounts_team ORDER BY id LIMIT 100) t, generate_series(1, 30)""",
    """INSERT INTO leads_refusedrow (upload_id, line, reason)
       SELECT id, n, 'no phone' FROM leads_upload, generate_series(1, 10) n""",
    # 20,000 campaigns of ten teams; of 80 there are people, each with one message
    """INSERT INTO campaigns_sender (id, seller_id, number, vendor, registration_id, voice, created_at, updated_at)
       SELECT uuidv7(), s.id, '+1212555' || 1000 + n, 'twilio', 'C1', false, now(), now()
         FROM generate_series(1, 50) n, (SELECT id FROM leads_seller ORDER BY id LIMIT 1) s""",
    """INSERT INTO campaigns_mailsender (id, seller_id, name, address, dkim_selector, checks, created_at, updated_at)
       SELECT uuidv7(), s.id, 'Jane', 'jane' || n || '@mail.example.com', '', '{}', now(), now()
         FROM generate_series(1, 50) n, (SELECT id FROM leads_seller ORDER BY id LIMIT 1) s""",
    """INSERT INTO campaigns_campaign (id, owner_id, team_id, name, channel, status, paused_by, reason, bucket_id,
           bucket_name, audience, "window", stop_on, approved_digest, approved_by_id, acknowledgements, part, members,
           due, sent, accepted, delivered, failed, refused, expired, cancelled, in_doubt, replied, opted_out,
           track_opens, track_clicks, revision, bounced, complained, human_clicks, created_at, updated_at)
       SELECT uuidv7(), b.owner_id, b.team_id, 'C' || n, 'sms', CASE WHEN n <= 5 THEN 'running' ELSE 'completed' END,
              '', '', b.id, '', '{}', '{}', '[]', 'x', 1, '[]', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
              false, false, 1, 0, 0, 0, now(), now()
         FROM generate_series(1, 20000) n
         JOIN (SELECT *, row_number() OVER (ORDER BY id) place FROM buckets_bucket) b
           ON b.place = CASE WHEN n BETWEEN 10001 AND 10400 THEN 451 ELSE n % 30 + 1 END
        ORDER BY n""",
    """INSERT INTO campaigns_step (id, campaign_id, position, channel, delay_amount, delay_unit, condition)
       SELECT uuidv7(), id, 1, 'sms', 0, 'days', 'always' FROM campaigns_campaign""",
    """INSERT INTO campaigns_member (id, campaign_id, lead_id, split_group, key_id, owner_key_id, status, why, step,
           next_at, zones, states, calls, priority, attempts, skips, number, mail_key_id)
       SELECT uuidv7(), c.id, l.id, c.id, k.key_id, k.key_id,
              CASE WHEN l.property_id::int % 100 = 0 OR l.property_id::int % 7 = 0 THEN 2 ELSE 4 END, '', 1,
              CASE WHEN l.property_id::int % 100 = 0 OR l.property_id::int % 7 = 0 THEN now() END,
              ARRAY['Z' || l.property_id::int % 20], '{}', l.property_id::int % 100 <> 0, l.property_id::int % 900, 0,
              0, 0, k.key_id
         FROM (SELECT * FROM campaigns_campaign ORDER BY id LIMIT 80) c
         JOIN leads_lead l ON l.bucket_id = c.bucket_id JOIN leads_leadkey k ON k.lead_id = l.id
        ORDER BY c.id, l.id""",
    "ANALYZE campaigns_campaign, campaigns_step, campaigns_member",  # what comes now joins them
    """INSERT INTO campaigns_delivery (id, team_id, campaign_id, member_id, step_id, purpose, channel, state, rank,
           lead_id, key_id, sender_id, body_digest, segments, tries, vendor, vendor_id, callback_token, call_id, error,
           error_words, refusal, intended_at, created_at, updated_at, mail_sender_id, complained_at)
       SELECT uuidv7(), c.team_id, c.id, m.id, s.id, 'campaign', 'sms',
              CASE n % 200 WHEN 0 THEN 'due' WHEN 1 THEN 'in_doubt' ELSE 'delivered' END, 0, m.lead_id, m.key_id,
              (ARRAY(SELECT id FROM campaigns_sender ORDER BY id))[n % 50 + 1], '', 1, 0, 'twilio',
              CASE WHEN n % 200 > 1 THEN 'SM' || n END, gen_random_uuid(),
              CASE WHEN n % 200 > 1 THEN (ARRAY(SELECT id FROM integrations_vendorcall ORDER BY id))[n % 100 + 1] END,
              '', '', CASE n % 500 WHEN 2 THEN 'opted_out' ELSE '' END,
              CASE WHEN n % 200 > 0 THEN now() - n * interval '1 min' END, now(), now(),
              (ARRAY(SELECT id FROM campaigns_mailsender ORDER BY id))[n % 50 + 1],
              CASE n % 500 WHEN 3 THEN now() END
         FROM (SELECT *, row_number() OVER (ORDER BY id) n FROM campaigns_member) m
         JOIN campaigns_campaign c ON c.id = m.campaign_id JOIN campaigns_step s ON s.campaign_id = c.id ORDER BY n""",
    # a call to each of them; how the first of a team's ended suppresses, and is to be written
    """INSERT INTO campaigns_disposition (id, team_id, code, label, hotkey, outcome, max_attempts, next_number,
           suppress, lead_status, needs, created_at, updated_at)
       SELECT uuidv7(), id, 'do_not_call', 'Do not call', '8', 'dnc', 1, false, 'any', '', '', now(), now()
         FROM accounts_team ORDER BY id""",
    """INSERT INTO campaigns_callattempt (id, team_id, campaign_id, member_id, lead_id, key_id, by_id, mode, state,
           token, sequence, call_id, answered_by, note, error, error_words, started_at, ended_at, disposition_id,
           disposed_at, suppress_at, created_at, updated_at)
       SELECT uuidv7(), c.team_id, c.id, m.id, m.lead_id, m.key_id, c.owner_id, 'tel', 'ended', gen_random_uuid(), -1,
              CASE WHEN n % 200 = 0 THEN (ARRAY(SELECT id FROM integrations_vendorcall ORDER BY id))[n % 100 + 1] END,
              '', '', '', '', now() - n * interval '1 min', now(), d.id, now(),
              CASE WHEN n % 500 = 0 THEN now() - interval '1 min' END, now(), now()
         FROM (SELECT *, row_number() OVER (ORDER BY id) n FROM campaigns_member) m
         JOIN campaigns_campaign c ON c.id = m.campaign_id
         JOIN campaigns_disposition d ON d.team_id = c.team_id ORDER BY n""",
    """UPDATE campaigns_member m SET taken_by_id = u.id, taken_at = now(), lease_until = now()
         FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM accounts_user) u
         JOIN (SELECT DISTINCT ON (key_id) id, row_number() OVER (ORDER BY key_id) n FROM campaigns_member
                WHERE status = 2 AND calls ORDER BY key_id) t ON t.n = u.n * 3 WHERE m.id = t.id AND u.n <= 20""",
    """INSERT INTO campaigns_delivery (id, team_id, purpose, channel, state, rank, lead_id, key_id, body_digest,
           segments,
           tries, vendor, callback_token, error, error_words, refusal, created_at, updated_at)
       SELECT uuidv7(), team_id, 'manual', 'sms', 'due', 0, lead_id, key_id,
              '', 1, 0, '', gen_random_uuid(), '', '', '', now(), now()
         FROM (SELECT *, row_number() OVER (ORDER BY id) n FROM campaigns_delivery) d WHERE n <= 500""",
    """INSERT INTO campaigns_deliveryevent (id, delivery_id, vendor, vendor_id, kind, error, error_words, refusal,
           received_at)
       SELECT uuidv7(), CASE WHEN n > 5 THEN id END, 'twilio', 'SM' || n, 'delivered', '', '', '', now()
         FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM campaigns_delivery) d""",
    """INSERT INTO campaigns_preview (id, campaign_id, by_id, tries, digest, leads, lines, people, left_out, cost_min,
           cost_max, by_zone, by_state, needs, error, made_at, created_at)
       SELECT uuidv7(), id, 1, 0, 'x', 0, 0, 0, '{}', 0, 0, '{}', '{}', '[]', '', now(), now()
         FROM (SELECT id FROM campaigns_campaign ORDER BY id LIMIT 20) c""",
    """INSERT INTO campaigns_previewline (preview_id, lead_id, step, verdict, reason, zones, states, variant, text,
           segments, price, receipt, channel, subject, body_digest)
       SELECT p.id, m.lead_id, s, CASE WHEN random() < 0.1 THEN 'no' ELSE 'yes' END, '', '{}', '{}', '',
              CASE s WHEN 1 THEN 'Hi' ELSE '' END, 1, 0, '{}', 'sms', '', ''
         FROM campaigns_preview p JOIN campaigns_member m ON m.campaign_id = p.campaign_id, generate_series(0, 3) s""",
    # what people wrote
    """INSERT INTO campaigns_inbound (id, vendor, kind, dedupe, body, headers, received_at, handled_at, tries, error)
       SELECT uuidv7(), 'twilio', 'status', 'SM' || n, CASE WHEN n % 100 = 0 THEN ''::bytea END, '{}', now(),
              CASE WHEN n % 1000 > 0 THEN now() - n * interval '1 s' END, 0, CASE WHEN n % 500 = 1 THEN 'no' ELSE '' END
         FROM generate_series(1, 20000) n""",
    """INSERT INTO campaigns_conversation (id, team_id, lead_id, key_id, state, opened_by, opened_at, last_in_at,
           decide_by, is_read, channel)
       SELECT uuidv7(),
              CASE n % 50 WHEN 7 THEN (ARRAY(SELECT id FROM accounts_team ORDER BY id))[n / 50 + 1] ELSE c.team_id END,
              m.lead_id, m.key_id, CASE n % 100 WHEN 0 THEN 'open' WHEN 1 THEN 'held'
              ELSE 'closed' END, 'inbound', now(), now() - n * interval '1 s', CASE n % 100 WHEN 1 THEN now() END, true,
              'sms'
         FROM (SELECT *, row_number() OVER (ORDER BY id) n FROM campaigns_member) m
         JOIN campaigns_campaign c ON c.id = m.campaign_id""",
    """INSERT INTO campaigns_incomingmessage (id, conversation_id, inbound_id, key_id, meaning, is_answered,
           received_at, channel, message_id)
       SELECT uuidv7(), id, gen_random_uuid(), key_id, 'reply', false, now(), 'sms', '' FROM campaigns_conversation""",
    """INSERT INTO campaigns_receipt (id, team_id, lead_id, digest, channel, purpose, verdict, first, rules,
           rule_digest,
           campaign_id, at, created_at)
       SELECT uuidv7(), team_id, lead_id, '', 'sms', 'campaign', 'yes', '', '[]', '', campaign_id, now(), now()
         FROM campaigns_delivery""",
    # who opened e-mails and followed the one link in them
    """INSERT INTO campaigns_template (id, owner_id, team_id, name, channel, created_at, updated_at)
       SELECT uuidv7(), b.owner_id, b.team_id, 'Mail', 'email', now(), now()
         FROM buckets_bucket b ORDER BY b.id LIMIT 1""",
    """INSERT INTO campaigns_templateversion (id, template_id, number, subject, text, html, typed, variables, digest,
           created_at)
       SELECT uuidv7(), id, n, 'Hi', 'Hi', '', '{}', '[]', '', now() FROM campaigns_template, generate_series(1, 100) n
        WHERE channel = 'email'""",
    """INSERT INTO campaigns_link (id, version_id, url)
       SELECT uuidv7(), id, 'https://example.com/' FROM campaigns_templateversion""",
    """INSERT INTO campaigns_touch (delivery_id, link_id, at, kind, why, network)
       SELECT d.id, CASE WHEN n % 2 = 0 THEN (ARRAY(SELECT id FROM campaigns_link ORDER BY id))[n % 100 + 1] END,
              now() - n * interval '1 min', CASE WHEN n % 20 = 0 THEN 'human' ELSE 'unknown' END, '',
              CASE WHEN n < 1440 THEN 'abcdef' ELSE '' END
         FROM (SELECT id, row_number() OVER (ORDER BY id) n FROM campaigns_delivery) d""",
    """INSERT INTO campaigns_emergency (id, jurisdiction, from_at, until_at, reason, source, created_at)
       SELECT uuidv7(), 'U' || n % 200, now() - interval '2 d', now(), 'Flood', '', now()
         FROM generate_series(1, 4000) n""",
]
LEFT = ("campaigns_inbound", "campaigns_emergency", "campaigns_deliveryevent")  # what hangs on no team


def by(rows: Any) -> list[Any]:
    return list(rows)


def campaign() -> Campaign:
    return Campaign.objects.order_by("pk")[0]


def digests() -> list[bytes]:
    return [bytes(one) for one in ContactKey.objects.order_by("pk").values_list("digest", flat=True)[:5]]


def key_id() -> int:
    return ContactKey.objects.order_by("pk").values_list("pk", flat=True)[7]


def lead_id() -> UUID:
    return Lead.objects.filter(phone__isnull=False).order_by("pk").values_list("pk", flat=True)[7]


def mine(model: Any) -> Any:
    """Of a team with a few."""
    return model.objects.seen_by(own_access(Bucket.objects.order_by("pk")[450].owner))


# as CASES of tests/test_indexes.py
CASES: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "consents of people": (
        lambda p: by(Consent.objects.filter(digest__in=digests())),
        "leads_consent",
        "consent_by_key",
    ),
    "registry checks of people": (
        lambda p: by(Scrub.objects.filter(digest__in=digests())),
        "leads_scrub",
        "scrub_by_key",
    ),
    "lists of a team": (
        lambda p: by(Upload.objects.filter(team=p.bucket.team_id).order_by("-pk")[:50]),
        "leads_upload",
        "upload_by_team",
    ),
    "rows that a list could not use": (
        lambda p: by(RefusedRow.objects.filter(upload=Upload.objects.order_by("pk")[7].pk).order_by("pk")),
        "leads_refusedrow",
        "refused_row_by_upload",
    ),
    "who is called next in these zones": (
        lambda p: by(
            Member.objects.filter(
                campaign=campaign(), zones=["Z7"], status=2, calls=True, taken_by__isnull=True
            ).order_by("-priority", "attempts", "next_at")[:60]
        ),
        "campaigns_member",
        "member_to_call",
    ),
    "leads whose page is gone": (
        lambda p: by(Member.objects.filter(taken_by__isnull=False, lease_until__lte=now()).order_by("pk")[:100]),
        "campaigns_member",
        "member_taken member_before_one_caller member_one_a_caller",  # each holds the taken alone: one row a caller
    ),
    "calls to a number": (
        lambda p: by(CallAttempt.objects.filter(key=key_id()).order_by("-started_at")[:9]),
        "campaigns_callattempt",
        "attempt_by_key",
    ),
    "calls of a team": (
        lambda p: by(mine(CallAttempt).order_by("-started_at")[:50]),
        "campaigns_callattempt",
        "attempt_by_team",
    ),
    "calls of a caller": (
        lambda p: by(
            CallAttempt.objects.filter(by=Bucket.objects.order_by("pk")[450].owner).order_by("-started_at")[:9]
        ),
        "campaigns_callattempt",
        "attempt_by_caller",
    ),
    "calls of a caller that she has not said the end of": (
        lambda p: by(CallAttempt.objects.filter(by=Bucket.objects.order_by("pk")[450].owner, disposition__isnull=True)),
        "campaigns_callattempt",
        "attempt_unsaid",
    ),
    "calls about a lead": (
        lambda p: by(CallAttempt.objects.filter(lead=lead_id())),
        "campaigns_callattempt",
        "attempt_by_lead",
    ),
    "what calls suppress": (
        lambda p: by(
            CallAttempt.objects.filter(suppress_at__lte=now(), suppressed_at__isnull=True).order_by("suppress_at")[:200]
        ),
        "campaigns_callattempt",
        "attempt_to_suppress",
    ),
    "the call of a vendor's request": (
        lambda p: by(CallAttempt.objects.filter(call=VendorCall.objects.order_by("pk")[7].pk)),
        "campaigns_callattempt",
        "attempt_by_vendor_call",
    ),
    "campaigns of a team": (
        lambda p: page(mine(Campaign), limit=50, cursor=None, newest_first=True),
        "campaigns_campaign",
        "campaign_by_team",
    ),
    "campaigns that run": (
        lambda p: by(Campaign.objects.filter(status="running").order_by("pk").values_list("pk", flat=True)),
        "campaigns_campaign",
        "campaign_open",
    ),
    "people of a dry run who are left out": (
        lambda p: by(
            people_of(Preview.objects.order_by("pk")[0], verdict="no").order_by("pk").values_list("pk", flat=True)[:51]
        ),
        "campaigns_previewline",
        "preview_line_by_verdict",
    ),
    "texts of a person in dry runs": (
        lambda p: by(PreviewLine.objects.filter(lead_id=lead_id()).exclude(text="")),
        "campaigns_previewline",
        "preview_line_by_lead",
    ),
    "people whose step is due": (
        lambda p: claim_due_members(campaign().pk, SOME_DAY + timedelta(days=900), 100),
        "campaigns_member",
        "member_due",
    ),
    "people of a campaign": (
        lambda p: page(Member.objects.filter(campaign=campaign()), limit=50, cursor=None),
        "campaigns_member",
        "member_by_campaign",
    ),
    "campaigns that a lead is in": (
        lambda p: by(Member.objects.filter(lead__in=[lead_id()]).values_list("pk", flat=True)),
        "campaigns_member",
        "member_by_lead",
    ),
    "campaigns that an owner is in": (
        lambda p: by(Member.objects.filter(owner_key__in=[key_id()]).values_list("pk", flat=True)),
        "campaigns_member",
        "member_by_owner",
    ),
    "campaigns that an e-mail address is in": (
        lambda p: by(Member.objects.filter(mail_key__in=[key_id()]).values_list("pk", flat=True)),
        "campaigns_member",
        "member_by_mail",
    ),
    "messages of a campaign that may leave": (
        lambda p: by(Delivery.objects.filter(campaign=campaign(), state="due").order_by("pk")[:100]),
        "campaigns_delivery",
        "delivery_due",
    ),
    "messages that a person wrote and that may leave": (
        lambda p: by(Delivery.objects.filter(campaign=None, state="due").order_by("pk")[:100]),
        "campaigns_delivery",
        "delivery_due_by_a_person",
    ),
    "messages of which nobody knows": (
        lambda p: by(Delivery.objects.filter(state="in_doubt").order_by("intended_at")[:100]),
        "campaigns_delivery",
        "delivery_out",
    ),
    "when a number was texted": (
        lambda p: by(Delivery.objects.filter(key__in=[key_id()], intended_at__gte=SOME_DAY - timedelta(days=900))),
        "campaigns_delivery",
        "delivery_by_key",
    ),
    "messages of a campaign by state": (
        lambda p: by(Delivery.objects.filter(campaign=campaign(), state="delivered").order_by("pk")[:51]),
        "campaigns_delivery",
        "delivery_by_state",
    ),
    "messages that a request paid for": (
        lambda p: by(
            Delivery.objects.filter(call=VendorCall.objects.order_by("pk")[7].pk).values_list("pk", flat=True)
        ),
        "campaigns_delivery",
        "delivery_by_call",
    ),
    "people whom the vendor said to leave alone": (
        lambda p: by(
            Delivery.objects.filter(refusal__in=list(MEANS)).order_by("pk").values_list("pk", flat=True)[:100]
        ),
        "campaigns_delivery",
        "delivery_to_suppress",
    ),
    "who has reported an e-mail as spam": (
        lambda p: by(Delivery.objects.filter(complained_at__isnull=False).order_by("pk").values_list("pk")[:100]),
        "campaigns_delivery",
        "delivery_complained_about",
    ),
    "what an e-mail address has sent today": (
        lambda p: Delivery.objects.filter(
            mail_sender=MailSender.objects.order_by("pk")[7], intended_at__gte=SOME_DAY, state__in=Delivery.LEFT
        ).count(),
        "campaigns_delivery",
        "delivery_by_mail_sender",
    ),
    "what a number has sent today": (
        lambda p: by(Delivery.objects.filter(sender=Sender.objects.order_by("pk")[7].pk, intended_at__gte=SOME_DAY)),
        "campaigns_delivery",
        "delivery_by_sender",
    ),
    "what waits for a number": (
        lambda p: by(Delivery.objects.filter(key__in=[key_id()], state__in=Delivery.WAITING)),
        "campaigns_delivery",
        "delivery_waiting_by_key",
    ),
    "messages of a lead": (
        lambda p: by(Delivery.objects.filter(lead_id=lead_id()).order_by("-pk")[:50]),
        "campaigns_delivery",
        "delivery_by_lead",
    ),
    "events that wait for their message": (
        lambda p: by(DeliveryEvent.objects.filter(delivery=None, vendor="twilio", vendor_id__in=["SM1", "SM900"])),
        "campaigns_deliveryevent",
        "delivery_event_waiting",
    ),
    "posts nobody has handled": (
        lambda p: by(Inbound.objects.filter(handled_at__isnull=True).order_by("received_at")[:100]),
        "campaigns_inbound",
        "inbound_open",
    ),
    "posts that could not be read": (
        lambda p: by(Inbound.objects.exclude(error="").order_by("-pk")[:50]),
        "campaigns_inbound",
        "inbound_to_look_at",
    ),
    "posts whose body is old": (
        lambda p: by(
            Inbound.objects.filter(body__isnull=False, handled_at__lt=SOME_DAY).values_list("pk", flat=True)[:1000]
        ),
        "campaigns_inbound",
        "inbound_with_body",
    ),
    "the Inbox": (
        lambda p: history.waiting(Conversation.objects.seen_by(own_access(p.bucket.owner))),
        "campaigns_conversation",
        "conversation_inbox",
    ),
    "conversations of a team": (
        lambda p: page(mine(Conversation), limit=50, cursor=None, newest_first=True),
        "campaigns_conversation",
        "conversation_by_team",
    ),
    "what nobody has decided": (
        lambda p: by(Conversation.objects.filter(state="held", decide_by__lte=SOME_DAY).order_by("decide_by")[:100]),
        "campaigns_conversation",
        "conversation_undecided",
    ),
    "conversations of a lead": (
        lambda p: by(Conversation.objects.filter(lead=lead_id())),
        "campaigns_conversation",
        "conversation_by_lead",
    ),
    "what they wrote in a conversation": (
        lambda p: by(
            IncomingMessage.objects.filter(conversation=Conversation.objects.order_by("pk")[7].pk).order_by("-pk")[:50]
        ),
        "campaigns_incomingmessage",
        "incoming_by_conversation",
    ),
    "what the rules answered about a lead": (
        lambda p: by(Receipt.objects.filter(lead_id=lead_id()).order_by("-pk")[:50]),
        "campaigns_receipt",
        "receipt_by_lead",
    ),
    "what the rules answered a campaign": (
        lambda p: by(Receipt.objects.filter(campaign_id=campaign().pk).order_by("-pk")[:50]),
        "campaigns_receipt",
        "receipt_by_campaign",
    ),
    "emergencies of a state": (
        lambda p: by(Emergency.objects.filter(jurisdiction="U7")),
        "campaigns_emergency",
        "emergency_by_place",
    ),
}
CASES |= {
    "who opened an e-mail and followed its links": (
        lambda p: by(Touch.objects.filter(delivery=Delivery.objects.order_by("pk")[7].pk)),
        "campaigns_touch",
        "touch_once",
    ),
    "who followed a link": (
        lambda p: by(Touch.objects.filter(link=Link.objects.order_by("pk")[7].pk)),
        "campaigns_touch",
        "touch_by_link",
    ),
    "touches whose network is kept too long": (
        lambda p: forget_networks(),
        "campaigns_touch",
        "touch_with_network",
    ),
    "clicks of people to be told": (lambda p: by(untold(now())), "campaigns_touch", "touch_with_network"),
}
SORTED_LATER = {
    "leads whose page is gone",
    "people of a dry run who are left out",
    "lists of a team",
    "rows that a list could not use",
    "people whose step is due",
    "campaigns of a team",
    "conversations of a team",
    "messages of a lead",
    "what the rules answered about a lead",
}  # of a handful of rows
