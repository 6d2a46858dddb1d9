"""Users, teams, what tokens may do, invitations, the audit, webhooks."""

from accounts.models.audit_event import AuditEvent
from accounts.models.idempotent_request import IdempotentRequest
from accounts.models.invitation import Invitation
from accounts.models.notification import NoticeChoice, NoticeKind, NoticeMail, NoticeMailbox, Notification
from accounts.models.sign_in_count import SignInCount
from accounts.models.team import Membership, Role, Team
from accounts.models.token_grant import TokenGrant
from accounts.models.user import (
    User,
    check_time_zone,
    default_daily_lead_limit,
    default_monthly_budget,
    time_zones,
)
from accounts.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "AuditEvent",
    "IdempotentRequest",
    "Invitation",
    "Membership",
    "NoticeChoice",
    "NoticeKind",
    "NoticeMail",
    "NoticeMailbox",
    "Notification",
    "Role",
    "SignInCount",
    "Team",
    "TokenGrant",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
    "check_time_zone",
    "default_daily_lead_limit",
    "default_monthly_budget",
    "time_zones",
]
