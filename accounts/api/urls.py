from django.urls import path

from accounts.api import notifications, webhooks
from accounts.api.invitations import InvitationsView, InvitationView
from accounts.api.teams import LeaveView, MembersView, MemberView, TeamsView, TeamView
from accounts.api.tokens import OneTokenView, TokensView
from accounts.api.views import LogoutView, ProfileView, TokenView

urlpatterns = [
    path("auth/token", TokenView.as_view(), name="token"),
    path("tokens", TokensView.as_view(), name="api_tokens"),
    path("tokens/<str:token_key>", OneTokenView.as_view(), name="api_token"),
    path("profile", ProfileView.as_view(), name="api_profile"),
    path("teams", TeamsView.as_view(), name="teams"),
    path("team", TeamView.as_view(), name="team"),
    path("team/members", MembersView.as_view(), name="members"),
    path("team/members/<int:user_id>", MemberView.as_view(), name="member"),
    path("team/leave", LeaveView.as_view(), name="team-leave"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("team/invitations", InvitationsView.as_view(), name="api_invitations"),
    path("team/invitations/<uuid:invitation_id>", InvitationView.as_view(), name="api_invitation"),
    path("notifications", notifications.NotificationsView.as_view(), name="notifications"),
    path("notifications/read", notifications.ReadView.as_view(), name="notifications-read"),
    path("notifications/settings", notifications.SettingsView.as_view(), name="notifications-settings"),
    path("webhooks", webhooks.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/<uuid:webhook_id>", webhooks.WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/secret", webhooks.SecretView.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:webhook_id>/test", webhooks.TestEventView.as_view(), name="webhook-test"),
    path("webhooks/<uuid:webhook_id>/deliveries", webhooks.DeliveriesView.as_view(), name="webhook-deliveries"),
    path("webhooks/<uuid:webhook_id>/replay", webhooks.ReplayView.as_view(), name="webhook-replay"),
]
