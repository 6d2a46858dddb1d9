"""A forgotten password, by a link that is mailed. The answer is the same whether there is such an account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import INTERNAL_RESET_SESSION_TOKEN, PasswordResetConfirmView, PasswordResetView
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse_lazy

from accounts.sign_in import limits
from accounts.sign_in.new_password import NewPasswordForm, changed
from accounts.sign_in.services import LinkOver, use_link
from common.admin import dressed
from common.client_address import client_address
from common.public_address import public_address

SENT = "If there is an account with this e-mail, a link is on its way. It works once, for one hour."


class _Page:
    """In the desk's look."""

    request: Any

    def get_form(self, *args: Any) -> Any:
        return dressed(super().get_form(*args))  # type: ignore[misc]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shared = admin.site.each_context(self.request)
        return {**shared, "mail_is_set_up": settings.MAIL_IS_SET_UP, **super().get_context_data(**kwargs)}  # type: ignore[misc]


class Forgotten(_Page, PasswordResetView):
    """Asks for the e-mail. Counted as an attempt to sign in is: nobody's mailbox is filled from here."""

    template_name = "account/forgotten.html"
    email_template_name = "account/email/forgotten.txt"
    subject_template_name = "account/email/forgotten_subject.txt"
    success_url = reverse_lazy("account_login")
    title = "Forgotten password"

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        try:
            limits.begin(name=f"mail:{form.cleaned_data['email'].lower()}", address=client_address(self.request))
        except limits.SignInLocked as locked:
            form.add_error(None, str(locked))
            return self.form_invalid(form)
        if settings.MAIL_IS_SET_UP:
            protocol, _, domain = public_address(self.request).partition("://")
            self.extra_email_context = {"protocol": protocol, "domain": domain}
            messages.success(self.request, SENT)
            return super().form_valid(form)
        form.add_error(None, "No mail server is set up here. Ask an administrator for a new password.")
        return self.form_invalid(form)


class NewPassword(_Page, PasswordResetConfirmView):
    """The link's page: a new password ends every session; a second factor is asked for as before."""

    template_name = "account/new_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("account_login")
    title = "New password"

    def form_valid(self, form: Any) -> HttpResponse:
        user: Any = self.user
        try:
            ended = use_link(user=user, link=self.request.session[INTERNAL_RESET_SESSION_TOKEN], **form.chosen())
        except LinkOver:
            self.validlink = False
            return self.render_to_response(self.get_context_data())
        limits.unlock(by=user, name=user.get_username())
        del self.request.session[INTERNAL_RESET_SESSION_TOKEN]
        messages.success(self.request, f"{changed(ended)} You are signed out everywhere: sign in.")
        return HttpResponseRedirect(self.get_success_url())
