from django.urls import URLPattern, URLResolver, path

from campaigns.api import campaigns, conversations, running, senders, templates
from campaigns.api.contactability import ContactabilityView, ReceiptsView
from campaigns.api.deliveries import ResolveView
from campaigns.api.rule_table import RulesView
from campaigns.api.scorecard import BadNumbersView, CallersView, ScorecardView
from campaigns.api.vendor_posts import VendorPostView

_ONE = "campaigns/<uuid:campaign_id>"
_CONVERSATION = "conversations/<uuid:talk_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("campaigns", campaigns.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/audience", campaigns.AudienceView.as_view(), name="campaign-audience"),
    path(_ONE, campaigns.OneCampaignView.as_view(), name="campaign"),
    path(f"{_ONE}/members", campaigns.MembersView.as_view(), name="campaign-members"),
    path(f"{_ONE}/deliveries", campaigns.DeliveriesView.as_view(), name="campaign-deliveries"),
    path(f"{_ONE}/preview", running.PreviewView.as_view(), name="campaign-preview"),
    path(f"{_ONE}/preview.csv", running.PreviewCsvView.as_view(), name="campaign-preview-csv"),
    path(f"{_ONE}/approve", running.ApproveView.as_view(), name="campaign-approve"),
    path(f"{_ONE}/launch", running.LaunchView.as_view(), name="campaign-launch"),
    path(f"{_ONE}/pause", running.PauseView.as_view(), name="campaign-pause"),
    path(f"{_ONE}/resume", running.ResumeView.as_view(), name="campaign-resume"),
    path(f"{_ONE}/cancel", running.CancelView.as_view(), name="campaign-cancel"),
    path(f"{_ONE}/send-to-failed", running.ResendView.as_view(), name="campaign-send-to-failed"),
    path(f"{_ONE}/results", running.ResultsView.as_view(), name="campaign-results"),
    path("templates", templates.TemplatesView.as_view(), name="templates"),
    path("templates/preview", templates.TemplatePreviewView.as_view(), name="template-preview"),
    path("templates/<uuid:template_id>", templates.TemplateView.as_view(), name="template"),
    path("senders", senders.SendersView.as_view(), name="senders"),
    path("senders/<uuid:sender_id>", senders.SenderView.as_view(), name="sender"),
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
    path("webhooks/<slug:slug>", VendorPostView.as_view(), name="vendor-post"),
    path("webhooks/<slug:slug>/message", VendorPostView.as_view(), name="vendor-message"),
    path("webhooks/<slug:slug>/status/<uuid:token>", VendorPostView.as_view(), name="vendor-status"),
]
