"""Pages of campaigns."""

from campaigns.admin.call_lists import CallListAdmin
from campaigns.admin.calls import CallAttemptAdmin
from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.dispositions import DispositionAdmin
from campaigns.admin.inbox import ConversationAdmin
from campaigns.admin.mail_senders import MailSenderAdmin
from campaigns.admin.recordings import RecordingAdmin
from campaigns.admin.rule_table import ContactRuleAdmin, EmergencyAdmin, RuleHolidayAdmin
from campaigns.admin.set_up import SenderAdmin, StateAnswerAdmin
from campaigns.admin.snippets import SnippetAdmin
from campaigns.admin.templates import TemplateAdmin
from campaigns.admin.vendor_posts import InboundAdmin

__all__ = [
    "CallAttemptAdmin",
    "CallListAdmin",
    "CampaignAdmin",
    "ContactRuleAdmin",
    "ConversationAdmin",
    "DispositionAdmin",
    "EmergencyAdmin",
    "InboundAdmin",
    "MailSenderAdmin",
    "RecordingAdmin",
    "RuleHolidayAdmin",
    "SenderAdmin",
    "SnippetAdmin",
    "StateAnswerAdmin",
    "TemplateAdmin",
]
