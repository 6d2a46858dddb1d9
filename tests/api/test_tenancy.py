"""Every address, as nobody and as somebody else. An address that is new here fails until it has a sample."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.access import own_access
from accounts.invitations import invite
from accounts.models import Invitation, Membership, Notification, Team, User, WebhookDelivery, WebhookEndpoint
from accounts.notices import notify
from accounts.tokens import issue_token
from accounts.webhooks.services import create_endpoint
from buckets.filling.fills import start_fill
from buckets.imports.services import upload
from buckets.models import Bucket, BucketShare, Fill, Import, ImportPiece
from buckets.services import create_bucket
from campaigns.booking.feeds import make as make_feed
from campaigns.dialing.dispositions import of_team
from campaigns.dialing.lists import ListPlan, create_list
from campaigns.models import (
    CallAttempt,
    Campaign,
    Conversation,
    Delivery,
    Disposition,
    Member,
    Preview,
    Recording,
    RecordingFile,
    Sender,
    Snippet,
    StateAnswer,
    Step,
    Template,
    TemplateVersion,
    Variant,
)
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import Plan, create_campaign
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.previews.asking import start_preview
from campaigns.setup.mail_senders import add_mail_sender
from campaigns.setup.senders import add_sender
from campaigns.texts.templates import create_template
from enrichment.models import FairShare, Run, RunItem, Schedule
from enrichment.options import RunOptions
from enrichment.scheduling.services import create_schedule
from enrichment.services import start_run
from integrations.ledger import catalogue
from integrations.models import Operation
from leads.bulk.services import start_bulk
from leads.fields.definitions import make_field
from leads.keys.opaque import owner_keys_of
from leads.listing.saved_views import save_view
from leads.models import (
    Activity,
    BulkChange,
    BulkJob,
    BulkPiece,
    ContactKey,
    CustomField,
    Event,
    Lead,
    Seller,
    StatusLabel,
    Suppression,
    Tag,
    Upload,
    UploadPiece,
)  # fmt: skip
from leads.permission import importing
from leads.permission.adding import add_suppression
from leads.pipeline.labels import make_label
from leads.services import add_activity, create_tag, edit_lead, set_tags
from tests.api.client import Api, body_of, refused

VENDOR_POSTS = (
    "vendor-post", "vendor-message", "vendor-status", "vendor-bridge", "vendor-press", "vendor-call", "vendor-caller",
    "vendor-dial", "vendor-amd", "mail-inbound", "mail-tracking",
)  # fmt: skip
OPEN = {name: {"POST"} for name in ("token", "apollo-webhook", *VENDOR_POSTS)}  # what nobody needs a token for
OPEN["recording-play"] = {"GET"}
VENDOR = "realestateapi"
LIST = b"Address,Zip\n1 Main St,95757\n"
SECRET = "tell-nobody"  # in what is Ann's
NUMBERS = {"name", "user_id", "team_id"}  # too short to be looked for in an answer
OF_SELF = {
    "audit",
    "report-spend",
    "report-spend-file",
    "report-reachable-owners",
    "notifications-settings",
    "api_tokens",
    "api_phone",
    "api_profile",
    "booking-page",
    "dialer-current",
    "docs",
    "events",
    "hours",
    "members",
    "rules",
    "schema",
    "sellers",
    "suppressions-check",
    "team",
    "teams",
    "usage",
    "dispositions",
    "scorecard",
    "scorecard-csv",
    "board",
    "api-search",
}  # always of Bob
PAGES = {"join", "join_link", "privacy", "profile", "profile_email", "profile_email_send",
    "profile_phone", "profile_time_zone", "team_switch", "search",
}  # fmt: skip
PAGES |= {"report_spend", "report_lists", "map_tiles"}
PAGES |= {"healthz", "metrics", "readyz", "root", "book", "book_link", "feed", "way_out", "mail_link", "mail_picture"}
PAGES |= {"notices", "notices_read", "notices_settings", "notice", "home_hide_steps", "vendor_spending"}
PAGES |= {"calendar", "calendar_booking", "calendar_end", "calendar_event", "calendar_move", "calendar_plan"}
OWN = {"success", "count", "nextCursor", "filters", "events"}  # what a list says beside its rows
NOTHING: dict[str, dict[str, Any]] = {  # what a list says of somebody who has none, beside its empty rows
    "notifications": {"unread": 0},
    "lead-changes": {"gone": [], "hasMore": False},
    "leads-map": {"clusters": [], "total": 0},
}


OWNED = {"owner_name": "Jo Quill", "mailing_address": "1 Elm St", "mailing_zip": "98101"}


class World:
    """What belongs to Ann, and her ids."""

    def __init__(self, ann: Any) -> None:
        self.ann: User = ann
        for name in settings.OPERATIONS:  # a test that committed may have taken them away
            catalogue.operation(name)
        self.bucket, _ = create_bucket(by=ann, name="Ann's", property_ids=["1", "2", "3"])
        Fill.objects.filter(pk=start_fill(bucket=self.bucket, criteria={"state": "WA"}).pk).update(status="failed")
        self.lead = Lead.objects.order_by("pk")[0]
        self.tag = create_tag(by=ann, name="hot", color="#ff0000")
        set_tags(lead=self.lead, names=["hot"])
        self.label = make_label(own_access(ann), {"name": SECRET, "status": "contacted"})
        self.field = make_field(own_access(ann), {"name": SECRET, "kind": "text"})
        self.view = save_view(by=ann, name=SECRET[:50], query="status=new")
        add_activity(lead=self.lead, by=ann, kind="note", text=SECRET)
        tomorrow = timezone.now() + timedelta(days=1)
        add_activity(lead=self.lead, by=ann, kind="callback", text=SECRET, due_at=tomorrow)
        self.lead.refresh_from_db()
        self.run, _ = start_run(bucket=self.bucket, by=ann, options=RunOptions(limit=2))
        self.schedule = create_schedule(
            by=ann, bucket=self.bucket, kind="enrich", cadence="30 2 * * *", max_cost=Decimal(5)
        )
        self.ids: dict[str, Any] = {"bucket_id": self.bucket.pk, "lead_id": self.lead.pk, "tag_id": self.tag.pk}
        self.ids |= {"label_id": self.label.pk, "field_id": self.field.pk, "view_id": self.view.pk}
        self.ids["run_id"] = self.run.pk
        self.ids["schedule_id"] = self.schedule.pk
        invitation, _ = invite(access=own_access(ann), email=f"{SECRET}@example.com", role="caller", mail=False)
        self.ids["invitation_id"] = invitation.pk
        self.ids["token"] = "no-such-token"
        self.ids["token_key"] = issue_token(user=ann, name=SECRET)[0].token_key
        self.ids["name"] = VENDOR
        self.ids["user_id"] = ann.pk
        self.ids["team_id"] = Team.objects.create(name="Elsewhere").pk
        BucketShare.objects.create(bucket=self.bucket, team_id=self.ids["team_id"])
        team = ann.memberships.get().team_id
        self.webhook, _ = create_endpoint(by=ann, team_id=team, url="https://example.com/", events=["run.completed"])
        self.ids["webhook_id"] = self.webhook.pk
        notify(team_id=team, kind="reply", about=self.lead, words=SECRET, to=[ann.pk])
        self.ids["notification_id"] = Notification.objects.get(kind="reply").pk
        seller = Seller.objects.filter(team_id=team).first() or Seller.objects.create(team_id=team, legal_name=SECRET)
        jane = add_mail_sender(by=ann, seller=seller, name="Jane", address="jane@mail.example.com")
        self.ids["mail_sender_id"] = jane.pk
        self.ids["sender_id"] = add_sender(by=ann, seller=seller, number="614-555-0100", vendor="twilio").pk
        template, _ = create_template(by=ann, team_id=team, name=SECRET, text="{{companyName}}: reply STOP to end")
        self.ids["template_id"] = template.pk
        self.ids["snippet_id"] = Snippet.objects.create(seller=seller, name=SECRET, text=SECRET).pk
        step = StepPlan([VariantPlan(template_id=template.pk)])
        plan = Plan(name=SECRET, audience=Audience(bucket_id=self.bucket.pk), steps=[step])
        campaign = create_campaign(access=own_access(ann), plan=plan)[0]
        self.ids["campaign_id"] = campaign.pk
        start_preview(campaign=campaign, access=own_access(ann))
        Preview.objects.update(made_at=tomorrow, digest="x", lease_until=None)
        lists = {"kind": "suppressions", "team_id": team, "by": ann, "name": f"{SECRET}.csv"}
        self.ids["upload_id"] = importing.upload(file=BytesIO(b"6175550112\n"), **lists).pk
        self.ids["suppression_id"] = add_suppression(access=own_access(ann), phone="6175550113").added[0].pk
        chosen = Lead.objects.filter(pk=self.lead.pk)
        enriching: dict[str, Any] = {"kind": "enrich", "leads": lambda: chosen, "arguments": {}}
        self.ids["job_id"] = start_bulk(access=own_access(ann), filters=[SECRET], **enriching)[0].pk
        self.ids["import_id"] = upload(bucket=self.bucket, file=BytesIO(LIST), name=f"{SECRET}.csv").pk

        key = ContactKey.objects.create(kind=1, digest=b"x" * 32, hint="…0177")
        talk = Conversation(team_id=team, lead=self.lead, key=key, address="+12065550177", opened_at=tomorrow)
        talk.save()
        self.ids |= {"talk_id": talk.pk, "slug": "no-such-vendor", "provider": "no-such-provider"}
        message = Delivery(team_id=team, key=key, lead_id=self.lead.pk, channel="sms", purpose="manual")
        message.state, message.intended_at, message.callback_token = "in_doubt", tomorrow, uuid4()
        message.save()
        self.ids["delivery_id"] = message.pk
        self._call(ann, team, key)
        recording = Recording(team_id=team, name=SECRET, file="x.wav", kind="audio/wav", seconds=1, sha256="x")
        recording.save()
        RecordingFile.objects.create(recording=recording, content=b"sound")
        self.ids["recording_id"] = recording.pk
        self.ids |= {"owner_key": "own_" + "A" * 22, "other_id": uuid4()}  # see `prepare`

    def _call(self, ann: Any, team: int, key: ContactKey) -> None:
        """A call list, who is on it, and a call."""
        made, _ = create_list(own_access(ann), ListPlan(f"{SECRET} list", Audience(bucket_id=self.bucket.pk)))
        member = Member(campaign=made, lead=self.lead, split_group=made.pk, key=key, status=2, calls=True)
        member.next_at = timezone.now()
        member.save()
        Campaign.objects.filter(pk=made.pk).update(members=1)
        outcome = of_team(team)[0]
        Disposition.objects.filter(pk=outcome.pk).update(label=SECRET)
        call = CallAttempt(team_id=team, campaign=made, member=member, lead=self.lead, key=key, by=ann, token=uuid4())
        call.started_at, call.note = timezone.now(), SECRET
        call.save()
        lasting = {"starts_at": timezone.now(), "ends_at": timezone.now() + timedelta(minutes=5)}
        event = Event(team_id=team, owner=ann, kind="reminder", title=SECRET, changed_at=timezone.now(), **lasting)
        event.save()
        self.ids["event_id"] = event.pk
        self.ids["feed_id"] = make_feed(access=own_access(ann), name=SECRET)[0].pk
        self.ids |= {"list_id": made.pk, "member_id": member.pk, "call_id": call.pk, "disposition_id": outcome.pk}

    def prepare(self, name: str) -> None:
        """What one address alone needs: an owner who is known, a second bucket."""
        if name == "owner":
            edit_lead(lead=self.lead, by=self.ann, changes=OWNED)
            self.ids["owner_key"] = owner_keys_of([(self.lead.pk, self.lead.team_id)])[self.lead.pk]
        elif name == "report-overlap":
            self.ids["other_id"] = create_bucket(by=self.ann, name="Ann's other", property_ids=["1"])[0].pk

    def rows(self) -> dict[str, list[str]]:
        """Every row of these tables as PostgreSQL writes it, in one question: the walks ask it a thousand times."""
        models: list[Any] = [Bucket, Fill, Lead, Tag, Activity, Run, RunItem, FairShare, Schedule, Lead.tags.through]
        models += [Invitation, StatusLabel, CustomField]
        models += [Import, ImportPiece, Operation, LogEntry, Team, Membership, BucketShare]
        models += [BulkJob, BulkPiece, BulkChange]
        models += [Notification, WebhookEndpoint, WebhookDelivery, Upload, UploadPiece, Suppression, Seller]
        models += [Campaign, Step, Variant, Preview, Template, TemplateVersion, Snippet, Sender, StateAnswer]
        models += [Conversation, Delivery]
        tables = [model._meta.db_table for model in models]  # in the order of the text: a key may be of two columns
        asked = (f"SELECT '{name}', array_agg(t::text ORDER BY t::text) FROM \"{name}\" t" for name in tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(asked))
            return dict(cursor.fetchall())


# (address, method): (body or query with Ann's ids, status for Bob). {…} is filled with the ids above.
# 404: an object of Ann's. 200: a list or a sum, which must be empty of Ann.
SAMPLES: dict[tuple[str, str], tuple[Any, int]] = {
    ("buckets", "GET"): ("", 200),
    ("buckets", "POST"): (None, 400),
    ("bucket-leads", "GET"): ("?bucketId={bucket_id}", 404),
    ("bucket", "GET"): ("", 404),
    ("bucket", "PATCH"): ({"name": "Bob's"}, 404),
    ("bucket", "DELETE"): (None, 404),
    ("bucket-ids", "POST"): ({"propertyIds": ["9"]}, 404),
    ("bucket-fill", "POST"): (None, 404),
    ("bucket-duplicate", "POST"): (None, 404),
    ("left-out", "GET"): ("?allOf={bucket_id}&noneOf={bucket_id}", 404),
    ("combine", "POST"): ({"allOf": ["{bucket_id}"], "name": "Bob's"}, 404),
    ("suppressions", "GET"): ("", 200),
    ("suppressions", "POST"): (None, 400),
    ("suppression", "GET"): ("", 404),
    ("leads-bulk", "GET"): ("", 200),
    ("leads-bulk", "POST"): ({"action": "tag", "leadIds": ["{lead_id}"], "arguments": {"tag": "x"}}, 404),
    ("leads-bulk-job", "GET"): ("", 404),
    ("leads-bulk-cancel", "POST"): (None, 404),
    ("leads-bulk-undo", "POST"): (None, 404),
    ("leads-bulk-file", "GET"): ("", 404),
    ("leads-bulk-quote", "GET"): ("", 404),
    ("leads-bulk-start", "POST"): ({"quote": "no such price"}, 404),
    ("suppressions-check", "GET"): ("?phone=6175550112", 200),
    ("suppressions-import", "POST"): (b"", 400),
    ("consents", "GET"): ("", 200),
    ("consents", "POST"): (None, 400),
    ("consents-import", "POST"): (b"", 400),
    ("scrubs-import", "POST"): (b"", 400),
    ("uploads", "GET"): ("", 200),
    ("upload", "GET"): ("", 404),
    ("upload-start", "POST"): (None, 404),
    ("upload-withdraw", "POST"): ({"reason": "Bob's"}, 404),
    ("upload-refused", "GET"): ("", 404),
    ("sellers", "GET"): ("", 200),
    ("sellers", "PUT"): ({"callbackPhone": "1"}, 400),
    ("bucket-shares", "GET"): ("", 404),
    ("bucket-shares", "POST"): ({"team": "Elsewhere"}, 404),
    ("bucket-share", "DELETE"): (None, 404),
    ("bucket-imports", "GET"): ("", 404),
    ("import-new", "POST"): (b"", 400),
    ("bucket-imports", "POST"): (LIST, 404),
    ("bucket-import", "GET"): ("", 404),
    ("bucket-import", "PATCH"): ({"mapping": {"address": 0, "zip": 1}}, 404),
    ("bucket-import-start", "POST"): (None, 404),
    ("bucket-import-undo", "POST"): (None, 404),
    ("bucket-import-failed", "GET"): ("", 404),
    ("bucket-export", "GET"): ("", 404),
    ("notifications", "GET"): ("", 200),
    ("notifications-read", "POST"): ({"ids": ["{notification_id}"]}, 200),  # those of others are passed over
    ("notifications-settings", "GET"): ("", 200),
    ("notifications-settings", "PATCH"): ({"digestHour": 99}, 400),
    ("webhooks", "GET"): ("", 200),
    ("webhooks", "POST"): ({"url": "http://10.0.0.1/", "events": ["run.completed"]}, 400),
    ("webhook", "GET"): ("", 404),
    ("webhook", "PATCH"): ({"url": "https://example.com/bob"}, 404),
    ("webhook", "DELETE"): (None, 404),
    ("webhook-secret", "POST"): (None, 404),
    ("webhook-test", "POST"): (None, 404),
    ("webhook-deliveries", "GET"): ("", 404),
    ("webhook-replay", "POST"): (None, 404),
    ("quote", "GET"): ("", 404),
    ("quote", "POST"): ({}, 404),
    ("process", "POST"): ({"bucketId": "{bucket_id}"}, 404),
    ("runs", "GET"): ("", 200),
    ("run", "GET"): ("", 404),
    ("run-items", "GET"): ("", 404),
    ("run-calls", "GET"): ("", 404),
    ("run-events", "GET"): ("", 404),
    ("run-pause", "POST"): (None, 404),
    ("run-resume", "POST"): ({"maxCost": 5}, 404),
    ("run-cancel", "POST"): (None, 404),
    ("run-retry-failed", "POST"): (None, 404),
    ("schedules", "GET"): ("", 200),
    ("schedules", "POST"): (
        {"bucketId": "{bucket_id}", "kind": "enrich", "cadence": "0 3 * * *", "maxCost": 1, "limit": 5},
        404,
    ),
    ("schedule", "GET"): ("", 404),
    ("schedule", "PATCH"): ({"maxCost": 7}, 404),
    ("schedule", "DELETE"): (None, 404),
    ("schedule-run", "POST"): (None, 404),
    ("campaigns", "GET"): ("", 200),
    ("campaigns", "POST"): ({"name": "Bob's", "bucketId": "{bucket_id}"}, 400),
    ("campaign-audience", "POST"): ({"bucketId": "{bucket_id}"}, 404),
    ("campaign", "GET"): ("", 404),
    ("campaign", "PATCH"): ({"name": "Bob's"}, 404),
    ("campaign", "DELETE"): (None, 404),
    ("campaign-members", "GET"): ("", 404),
    ("campaign-deliveries", "GET"): ("", 404),
    ("campaign-preview", "GET"): ("", 404),
    ("campaign-preview", "POST"): (None, 404),
    ("campaign-preview-csv", "GET"): ("", 404),
    ("campaign-revise", "POST"): ({"texts": []}, 404),
    ("campaign-approve", "POST"): ({"digest": "x"}, 404),
    ("campaign-launch", "POST"): (None, 404),
    ("campaign-pause", "POST"): (None, 404),
    ("campaign-resume", "POST"): (None, 404),
    ("campaign-cancel", "POST"): (None, 404),
    ("campaign-send-to-failed", "POST"): (None, 404),
    ("campaign-results", "GET"): ("", 404),
    ("campaign-results-csv", "GET"): ("", 404),
    ("templates", "GET"): ("", 200),
    ("templates", "POST"): ({"name": "Bob's"}, 400),
    ("template-preview", "POST"): ({"text": "Hi there", "leadId": "{lead_id}"}, 404),
    ("snippets", "GET"): ("", 200),
    ("snippets", "POST"): ({"name": "Bob's"}, 400),
    ("snippet", "GET"): ("", 404),
    ("snippet", "PATCH"): ({"text": "Bob's"}, 404),
    ("snippet", "DELETE"): (None, 404),
    ("template", "GET"): ("", 404),
    ("template", "PATCH"): ({"name": "Bob's"}, 404),
    ("template", "DELETE"): (None, 404),
    ("senders", "GET"): ("", 200),
    ("senders", "POST"): ({"vendor": "twilio"}, 400),
    ("sender", "GET"): ("", 404),
    ("sender", "PATCH"): ({"registrationId": "C1"}, 404),
    ("sender", "DELETE"): (None, 404),
    ("mail-senders", "GET"): ("", 200),
    ("mail-senders", "POST"): ({"name": "Jane"}, 400),
    ("mail-sender", "GET"): ("", 404),
    ("mail-sender", "PATCH"): ({"name": "Jane"}, 404),
    ("mail-sender", "DELETE"): (None, 404),
    ("mail-sender-check", "POST"): (None, 404),
    ("state-answers", "GET"): ("", 200),
    ("state-answers", "PUT"): ({}, 400),
    ("apollo", "POST"): ({"leadIds": ["{lead_id}"]}, 404),
    ("apollo", "GET"): ("", 503),  # no vendor is reachable in this test, and nothing of Ann's is in it
    ("usage", "GET"): ("", 200),
    ("leads", "GET"): ("", 200),
    ("leads", "POST"): ({"bucketId": "{bucket_id}", "address": "1 Elm St", "zip": "98101"}, 404),
    ("lead-changes", "GET"): ("", 200),
    ("lead-views", "GET"): ("", 200),
    ("lead-views", "POST"): ({}, 400),
    ("lead-views", "PATCH"): ({"order": ["{view_id}"]}, 404),
    ("lead-view", "PATCH"): ({"name": "Bob's"}, 404),
    ("lead-view", "DELETE"): (None, 404),
    ("owner", "GET"): ("", 404),
    ("leads-map", "GET"): ("?bbox=-125,24,-66,50&zoom=4", 200),
    ("leads-assign", "POST"): ({"leadIds": ["{lead_id}"], "to": None}, 404),
    ("lead", "GET"): ("", 404),
    ("lead", "PATCH"): ({"status": "lost"}, 404),
    ("lead", "DELETE"): (None, 404),
    ("lead-activities", "GET"): ("", 404),
    ("lead-activities", "POST"): ({"text": "x"}, 404),
    ("lead-owner", "GET"): ("", 404),
    ("lead-callback", "DELETE"): (None, 404),
    ("lead-contactability", "GET"): ("", 404),
    ("lead-receipts", "GET"): ("", 404),
    ("callbacks", "GET"): ("", 200),
    ("audit", "GET"): ("", 200),
    ("report-spend", "GET"): ("", 200),
    ("report-spend-file", "GET"): ("", 200),
    ("report-reachable-owners", "GET"): ("", 200),
    ("report-overlap", "GET"): ("?a={bucket_id}&b={other_id}", 404),
    ("lead-merged", "GET"): ("", 404),
    ("lead-separate", "POST"): ({}, 404),
    ("lead-tags", "GET"): ("", 404),
    ("lead-tags", "PUT"): ({"tags": []}, 404),
    ("board", "GET"): ("", 200),
    ("lead-move", "POST"): ({"to": "lost"}, 404),
    ("api-search", "GET"): ("?q=hot", 200),
    ("status-labels", "GET"): ("?retired=true", 200),
    ("status-labels", "POST"): ({}, 400),
    ("status-label", "PATCH"): ({"name": "Bob's"}, 404),
    ("status-label", "DELETE"): (None, 404),
    ("status-label-restore", "POST"): (None, 404),
    ("custom-fields", "GET"): ("?retired=true", 200),
    ("custom-fields", "POST"): ({}, 400),
    ("custom-field", "PATCH"): ({"name": "Bob's"}, 404),
    ("custom-field", "DELETE"): (None, 404),
    ("custom-field-restore", "POST"): (None, 404),
    ("tags", "GET"): ("", 200),
    ("tags", "POST"): ({}, 400),
    ("tag", "DELETE"): (None, 404),
    ("property-search", "POST"): ({}, 400),
    ("property-detail", "GET"): ("", 400),
    ("property-autocomplete", "POST"): ({}, 400),
    ("skip-trace", "POST"): ({}, 400),
    ("rules", "GET"): ("", 200),  # everybody's
    ("vendors", "GET"): ("", 403),  # only for who may change vendors, and nobody's in particular
    ("vendor-confirm-prices", "POST"): (None, 403),
    ("vendor-price", "POST"): ({"operation": "property_detail", "price": 0.07}, 403),
    ("apollo-webhook", "POST"): ({}, 404),
    ("token", "POST"): ({}, 400),
    ("token", "DELETE"): (None, 200),
    ("api_invitations", "GET"): ("", 200),
    ("api_invitations", "POST"): (None, 400),
    ("api_invitation", "DELETE"): (None, 404),
    ("api_tokens", "GET"): ("", 200),
    ("api_tokens", "POST"): ({}, 400),
    ("api_token", "PATCH"): ({"name": "Bob's"}, 404),
    ("api_token", "DELETE"): (None, 404),
    ("person-forget", "POST"): ({"phone": "2065550177"}, 403),  # operators and superusers alone
    ("person-report", "POST"): ({"phone": "2065550177"}, 200),  # of the team's own leads
    ("api_profile", "GET"): ("", 200),
    ("api_profile", "PATCH"): ({}, 400),
    ("logout", "POST"): (None, 200),
    ("teams", "GET"): ("", 200),
    ("team", "GET"): ("", 200),
    ("team", "PATCH"): ({}, 400),
    ("members", "GET"): ("", 200),
    ("member", "PATCH"): ({"isMasked": False}, 404),
    ("member", "DELETE"): (None, 404),
    ("team-leave", "POST"): (None, 409),  # Bob's team has no other manager
    **{(name, "POST"): ({}, 404) for name in VENDOR_POSTS},  # of no vendor
    ("delivery-resolve", "POST"): ({"outcome": "sent"}, 403),  # operators alone
    ("conversations", "GET"): ("", 200),
    ("conversation", "GET"): ("", 404),
    ("conversation-reply", "POST"): ({"text": "x"}, 404),
    ("conversation-assign", "POST"): ({"to": None}, 404),
    ("conversation-close", "POST"): (None, 404),
    ("conversation-decide", "POST"): ({"optOut": True}, 404),
    ("lead-messages", "POST"): ({"text": "x"}, 404),
    ("dialer-next", "POST"): ({}, 200),
    ("dialer-current", "GET"): ("", 200),
    ("dialer-renew", "POST"): (None, 404),
    ("dialer-release", "POST"): (None, 404),
    ("dialer-skip", "POST"): ({}, 404),
    ("calls", "GET"): ("", 200),
    ("calls", "POST"): ({"leadId": "{lead_id}", "number": "+12065550177"}, 404),
    ("call", "GET"): ("", 404),
    ("call-hang-up", "POST"): ({}, 404),
    ("call-dispose", "POST"): ({"code": "busy"}, 404),
    ("call-take-back", "POST"): (None, 404),
    ("call-voicemail", "POST"): ({"recordingId": "{recording_id}"}, 404),
    ("recordings", "GET"): ("", 200),
    ("recordings", "POST"): (b"", 400),
    ("recording", "GET"): ("", 404),
    ("recording", "DELETE"): (None, 404),
    ("recording-file", "GET"): ("", 404),
    ("recording-play", "GET"): ("", 404),
    ("api_phone", "GET"): ("", 200),
    ("api_phone", "PUT"): ({}, 400),
    ("api_phone", "DELETE"): (None, 200),
    ("api_phone_confirm", "POST"): ({"code": "1"}, 409),
    ("call-lists", "GET"): ("", 200),
    ("call-lists", "POST"): ({"name": "Bob's", "bucketId": "{bucket_id}"}, 404),
    ("call-list", "GET"): ("", 404),
    ("call-list", "PATCH"): ({"name": "Bob's"}, 404),
    ("call-list", "DELETE"): (None, 404),
    ("call-list-open", "POST"): (None, 404),
    ("call-list-pause", "POST"): (None, 404),
    ("call-list-close", "POST"): (None, 404),
    ("call-list-leads", "POST"): ({}, 404),
    ("call-list-progress", "GET"): ("", 404),
    ("callers", "GET"): ("", 200),
    ("events", "GET"): ("", 200),
    ("events", "POST"): ({"kind": "reminder", "startsAt": "2027-11-30T17:00:00Z", "leadId": "{lead_id}"}, 404),
    ("event", "GET"): ("", 404),
    ("event", "PATCH"): ({"title": "Bob's"}, 404),
    ("event", "DELETE"): (None, 404),
    ("feeds", "GET"): ("", 200),
    ("feeds", "POST"): ({}, 201),
    ("feed", "DELETE"): (None, 404),
    ("hours", "GET"): ("", 200),
    ("hours", "PUT"): ({"hours": []}, 200),
    ("booking-page", "GET"): ("", 200),
    ("booking-page", "PATCH"): ({"minutes": 30}, 200),
    ("scorecard", "GET"): ("", 200),
    ("scorecard-csv", "GET"): ("", 200),
    ("dispositions", "GET"): ("", 200),
    ("dispositions", "POST"): ({}, 400),
    ("disposition", "PATCH"): ({"label": "Bob's"}, 404),
    ("disposition", "DELETE"): (None, 404),
    ("schema", "GET"): ("", 200),
    ("docs", "GET"): ("", 200),
}


def addresses(patterns: Any, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """(name, address, view) of everything under /api/ but the answer to what does not exist."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/") and pattern.name:
            yield pattern.name, "/" + path, pattern.callback


ADDRESSES = {name: (address, view) for name, address, view in addresses(get_resolver().url_patterns)}


def methods(view: Any) -> set[str]:
    return {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, name)}


def address_of(world: World, name: str) -> str:
    return re.sub(r"<\w+:(\w+)>", r"{\1}", ADDRESSES[name][0]).format(**world.ids)


def ask(api: Api, world: World, name: str, method: str) -> Any:
    address = address_of(world, name)
    sample = SAMPLES[name, method][0]
    if isinstance(sample, str):
        return api.send(method, address + sample.format(**world.ids))
    if isinstance(sample, bytes):
        return api.upload(address, sample)
    body = sample and {
        key: [v.format(**world.ids) for v in value] if isinstance(value, list)
        else value.format(**world.ids) if isinstance(value, str) else value
        for key, value in sample.items()
    }  # fmt: skip
    return api.send(method, address, body)


def test_every_address_and_method_has_a_sample():
    there = {(name, method) for name, (_, view) in ADDRESSES.items() for method in methods(view)}

    assert there == set(SAMPLES)
    unnamed = [p for p in get_resolver().url_patterns if isinstance(p, URLPattern) and p.name not in PAGES]
    assert unnamed == []


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_nobody_gets_in(world, name, method):
    before = world.rows()

    answer = ask(Api(), world, name, method)

    if method in OPEN.get(name, set()):
        assert answer.status_code in (400, 404)
    else:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Token"
    assert world.rows() == before


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_somebody_else_sees_nothing_and_changes_nothing(world, bob, name, method):
    world.prepare(name)
    before = world.rows()

    answer = ask(Api(bob), world, name, method)

    assert answer.status_code == SAMPLES[name, method][1], answer.content[:500]
    assert world.rows() == before
    content = b"".join(answer) if answer.streaming else answer.content
    mine = [*(str(pk) for name, pk in world.ids.items() if name not in NUMBERS), "Ann's", SECRET]
    assert [text for text in mine if text.encode() in content] == []
    if method == "GET" and answer.status_code == 200 and name not in OF_SELF:
        told, nothing = answer.json(), NOTHING.get(name, {})
        if name == "lead-views":  # every team has these, and she none in them
            assert {preset["count"] for preset in told.pop("presets")} == {0}
            del told["first"], told["missing"]
        assert {key: told.pop(key) for key in nothing} == nothing
        assert [rows for key, rows in told.items() if key not in OWN] == [[]]


@pytest.mark.parametrize(("name", "method"), sorted(SAMPLES))
def test_the_samples_are_good_ones(world, ann, name, method):
    """As Ann, whatever is 404 for Bob is there: the sweep above refuses for the right reason."""
    expected = SAMPLES[name, method][1]
    world.prepare(name)

    answer = ask(Api(ann), world, name, method)

    if expected == 404 and method not in OPEN.get(name, ()):
        assert answer.status_code in (200, 201, 202, 409), answer.content[:500]
    else:
        assert answer.status_code == (409 if name == "dialer-next" else expected)  # Ann has not said how a call ended


def test_a_lead_of_somebody_else_in_a_list_of_mine_is_refused_by_name(world, bob):
    bucket, _ = create_bucket(by=bob, name="Bob's", property_ids=["1"])
    mine = bucket.leads.get()
    before = world.rows()
    api = Api(bob)
    both = [str(mine.pk), str(world.lead.pk)]

    refused(api.post("/api/property/bucket/process", {"bucketId": str(bucket.pk), "leadIds": both}), 400, "leadIds")
    refused(api.post("/api/apollo/enrich", {"leadIds": both}), 404, "leadIds")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/quote?startFrom={world.lead.pk}"), 400, "startFrom")
    refused(api.get(f"/api/runs?bucketId={world.bucket.pk}"), 404)
    assert world.rows() == before
    assert body_of(api.get("/api/usage"))["usage"]["leadsToday"] == 0
