"""Addresses of signing in. Of allauth's own only what is used: nobody signs up, and e-mails are the profile's."""

from __future__ import annotations

from allauth.account.views import reauthenticate
from allauth.socialaccount.views import login_cancelled, login_error, signup
from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from accounts.sign_in.forgotten import Forgotten, NewPassword
from accounts.sign_in.join import people
from accounts.sign_in.new_password import change_password
from accounts.sign_in.oidc import callback
from accounts.sign_in.pages import RemovePasskey, RenamePasskey, SignIn, locked, my_sessions

entrance: list[URLPattern | URLResolver] = [
    path("login/", SignIn.as_view(), name="account_login"),
    path("login/forgotten/", Forgotten.as_view(), name="admin_password_reset"),
    path("login/forgotten/<uidb64>/<token>/", NewPassword.as_view(), name="password_reset_confirm"),
    path("login/cancelled/", login_cancelled, name="socialaccount_login_cancelled"),
    path("login/error/", login_error, name="socialaccount_login_error"),
    path("login/unknown/", signup, name="socialaccount_signup"),
    path("password_change/", change_password, name="account_change_password"),
    path("login/connected/", RedirectView.as_view(pattern_name="profile"), name="socialaccount_connections"),
]
by_provider: list[URLPattern | URLResolver] = [
    path("login/oidc/<str:provider_id>/login/callback/", callback, name="openid_connect_callback"),
    path("login/", include("allauth.socialaccount.providers.openid_connect.urls")),
]
if settings.OIDC_URL:
    entrance += by_provider
of_ones_own: list[URLPattern | URLResolver] = [
    path("sessions/", my_sessions, name="account_sessions"),
    path("locked/", locked, name="account_locked"),
    path("invitations/", people, name="account_invitations"),
    path("confirm/", reauthenticate, name="account_reauthenticate"),
    path("sign-out/", LogoutView.as_view(next_page="account_login"), name="account_logout"),
    path("factors/webauthn/keys/<int:pk>/remove/", RemovePasskey.as_view(), name="mfa_remove_webauthn"),
    path("factors/webauthn/keys/<int:pk>/edit/", RenamePasskey.as_view(), name="mfa_edit_webauthn"),
    path("factors/", include("allauth.mfa.urls")),
]
