from campaigns.models.booking import BookingCount, BookingPage, Feed, Hours
from campaigns.models.call_lists import CallList, ListFill
from campaigns.models.campaigns import Campaign, Preview, PreviewLine, Step, Variant
from campaigns.models.clock import ClockSetting
from campaigns.models.deliveries import Delivery, DeliveryEvent, Member
from campaigns.models.dialing import CallAttempt, CampaignCaller, Disposition, Recording
from campaigns.models.inbound import (
    Conversation,
    ConversationKey,
    Inbound,
    IncomingMessage,
    UnsignedPost,
    VendorPoll,
)
from campaigns.models.mail import Link, MailSender, Touch
from campaigns.models.receipts import Receipt, ReceiptRepeat
from campaigns.models.rules import ContactRule, Emergency, RuleHoliday
from campaigns.models.senders import Sender, StateAnswer
from campaigns.models.templates import Snippet, Template, TemplateVersion
from campaigns.models.voice import PhoneCode, RecordingFile

__all__ = [
    "BookingCount", "BookingPage", "CallAttempt", "CallList", "Campaign", "CampaignCaller", "ClockSetting",
    "ContactRule", "Conversation", "ConversationKey", "Delivery", "DeliveryEvent", "Disposition", "Emergency", "Feed",
    "Hours", "Inbound", "IncomingMessage", "Link", "ListFill", "MailSender", "Member", "PhoneCode", "Preview",
    "PreviewLine", "Receipt", "ReceiptRepeat", "Recording", "RecordingFile", "RuleHoliday", "Sender", "Snippet",
    "StateAnswer", "Step", "Template", "TemplateVersion", "Touch", "UnsignedPost", "Variant", "VendorPoll",
]  # fmt: skip
