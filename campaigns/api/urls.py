from django.urls import URLPattern, URLResolver, path

from campaigns.api import (
    calendar,
    call_lists,
    campaigns,
    conversations,
    dialer,
    running,
    senders,
    snippets,
    templates,
    voice,
)
from campaigns.api.contactability import ContactabilityView, ReceiptsView
from campaigns.api.deliveries import ResolveView
from campaigns.api.mail_senders import CheckMailSenderView, MailSendersView, MailSenderView
from campaigns.api.rule_table import RulesView
from campaigns.api.scorecard import BadNumbersView, CallersView, ScorecardView
from campaigns.api.vendor_posts import CallPostView, MailPostView, VendorPostView
from campaigns.inbound.mail_posts import INBOUND, TRACKING
from campaigns.voice.addresses import KINDS

_ONE = "campaigns/<uuid:campaign_id>"
_CONVERSATION = "conversations/<uuid:talk_id>"
_LIST = "call-lists/<uuid:list_id>"
_CALL = "calls/<uuid:call_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns", campaigns.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/audience", campaigns.AudienceView.as_view(), name="campaign-audience"),
    path(_ONE, campaigns.OneCampaignView.as_view(), name="campaign"),
    path(f"{_ONE}/members", campaigns.MembersView.as_view(), name="campaign-members"),
    path(f"{_ONE}/deliveries", campaigns.DeliveriesView.as_view(), name="campaign-deliveries"),
    path(f"{_ONE}/preview", running.PreviewView.as_view(), name="campaign-preview"),
    path(f"{_ONE}/preview.csv", running.PreviewCsvView.as_view(), name="campaign-preview-csv"),
    path(f"{_ONE}/revise", running.ReviseView.as_view(), name="campaign-revise"),
    path(f"{_ONE}/approve", running.ApproveView.as_view(), name="campaign-approve"),
    path(f"{_ONE}/launch", running.LaunchView.as_view(), name="campaign-launch"),
    path(f"{_ONE}/pause", running.PauseView.as_view(), name="campaign-pause"),
    path(f"{_ONE}/resume", running.ResumeView.as_view(), name="campaign-resume"),
    path(f"{_ONE}/cancel", running.CancelView.as_view(), name="campaign-cancel"),
    path(f"{_ONE}/send-to-failed", running.ResendView.as_view(), name="campaign-send-to-failed"),
    path(f"{_ONE}/results", running.ResultsView.as_view(), name="campaign-results"),
    path(f"{_ONE}/results.csv", running.ResultsCsvView.as_view(), name="campaign-results-csv"),
    path("snippets", snippets.SnippetsView.as_view(), name="snippets"),
    path("snippets/<uuid:snippet_id>", snippets.SnippetView.as_view(), name="snippet"),
    path("templates", templates.TemplatesView.as_view(), name="templates"),
    path("templates/preview", templates.TemplatePreviewView.as_view(), name="template-preview"),
    path("templates/<uuid:template_id>", templates.TemplateView.as_view(), name="template"),
    path("senders", senders.SendersView.as_view(), name="senders"),
    path("senders/<uuid:sender_id>", senders.SenderView.as_view(), name="sender"),
    path("mail-senders", MailSendersView.as_view(), name="mail-senders"),
    path("mail-senders/<uuid:mail_sender_id>", MailSenderView.as_view(), name="mail-sender"),
    path("mail-senders/<uuid:mail_sender_id>/check", CheckMailSenderView.as_view(), name="mail-sender-check"),
    path("state-answers", senders.StateAnswersView.as_view(), name="state-answers"),
    path("leads/<uuid:lead_id>/contactability", ContactabilityView.as_view(), name="lead-contactability"),
    path("leads/<uuid:lead_id>/receipts", ReceiptsView.as_view(), name="lead-receipts"),
    path("deliveries/<uuid:delivery_id>/resolve", ResolveView.as_view(), name="delivery-resolve"),
    path("rules", RulesView.as_view(), name="rules"),
    path("leads/<uuid:lead_id>/messages", conversations.LeadMessagesView.as_view(), name="lead-messages"),
    path("conversations", conversations.ConversationsView.as_view(), name="conversations"),
    path(_CONVERSATION, conversations.ConversationView.as_view(), name="conversation"),
    path(f"{_CONVERSATION}/messages", conversations.ReplyView.as_view(), name="conversation-reply"),
    path(f"{_CONVERSATION}/assign", conversations.AssignView.as_view(), name="conversation-assign"),
    path(f"{_CONVERSATION}/close", conversations.CloseView.as_view(), name="conversation-close"),
    path(f"{_CONVERSATION}/decide", conversations.DecideView.as_view(), name="conversation-decide"),
    path("callers", CallersView.as_view(), name="callers"),
    path("scorecard", ScorecardView.as_view(), name="scorecard"),
    path("scorecard.csv", BadNumbersView.as_view(), name="scorecard-csv"),
    path("events", calendar.EventsView.as_view(), name="events"),
    path("events/<uuid:event_id>", calendar.EventView.as_view(), name="event"),
    path("feeds", calendar.FeedsView.as_view(), name="feeds"),
    path("feeds/<uuid:feed_id>", calendar.FeedView.as_view(), name="feed"),
    path("hours", calendar.HoursView.as_view(), name="hours"),
    path("booking-page", calendar.BookingPageView.as_view(), name="booking-page"),
    path("recordings", voice.RecordingsView.as_view(), name="recordings"),
    path("recordings/<uuid:recording_id>", voice.RecordingView.as_view(), name="recording"),
    path("recordings/<uuid:recording_id>/file", voice.RecordingFileView.as_view(), name="recording-file"),
    path("recordings/play/<str:name>", voice.PlayView.as_view(), name="recording-play"),
    path("profile/phone", voice.PhoneView.as_view(), name="api_phone"),
    path("profile/phone/confirm", voice.PhoneConfirmView.as_view(), name="api_phone_confirm"),
    path("calls/<uuid:call_id>/voicemail", voice.VoicemailView.as_view(), name="call-voicemail"),
    *[
        path(f"webhooks/twilio/{door}/<uuid:token>", CallPostView.as_view(door=door), name=f"vendor-{door}")
        for door in KINDS
    ],
    *[
        path(f"webhooks/mail/<slug:provider>/{door}", MailPostView.as_view(door=door), name=f"mail-{door}")
        for door in (INBOUND, TRACKING)
    ],
    path("webhooks/<slug:slug>", VendorPostView.as_view(), name="vendor-post"),
    path("webhooks/<slug:slug>/message", VendorPostView.as_view(), name="vendor-message"),
    path("webhooks/<slug:slug>/status/<uuid:token>", VendorPostView.as_view(), name="vendor-status"),
    path("dialer/next", dialer.NextView.as_view(), name="dialer-next"),
    path("dialer/current", dialer.CurrentView.as_view(), name="dialer-current"),
    path("dialer/<uuid:member_id>/renew", dialer.RenewView.as_view(), name="dialer-renew"),
    path("dialer/<uuid:member_id>/release", dialer.ReleaseView.as_view(), name="dialer-release"),
    path("dialer/<uuid:member_id>/skip", dialer.SkipView.as_view(), name="dialer-skip"),
    path("calls", dialer.CallsView.as_view(), name="calls"),
    path(_CALL, dialer.OneCallView.as_view(), name="call"),
    path(f"{_CALL}/hang-up", dialer.HangUpView.as_view(), name="call-hang-up"),
    path(f"{_CALL}/dispose", dialer.DisposeView.as_view(), name="call-dispose"),
    path(f"{_CALL}/take-back", dialer.TakeBackView.as_view(), name="call-take-back"),
    path("call-lists", call_lists.CallListsView.as_view(), name="call-lists"),
    path(_LIST, call_lists.OneCallListView.as_view(), name="call-list"),
    path(f"{_LIST}/open", call_lists.OpenView.as_view(), name="call-list-open"),
    path(f"{_LIST}/pause", call_lists.PauseView.as_view(), name="call-list-pause"),
    path(f"{_LIST}/close", call_lists.CloseView.as_view(), name="call-list-close"),
    path(f"{_LIST}/leads", call_lists.AddLeadsView.as_view(), name="call-list-leads"),
    path(f"{_LIST}/progress", call_lists.ProgressView.as_view(), name="call-list-progress"),
    path("dispositions", call_lists.DispositionsView.as_view(), name="dispositions"),
    path("dispositions/<uuid:disposition_id>", call_lists.DispositionView.as_view(), name="disposition"),
]
