"""An e-mail that a person writes to a lead's owner, on the lead's page: by the same service as the Inbox, and the gate
decides when it leaves, or that it does not.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.access import Scope, access
from accounts.models import User
from accounts.selectors import user_of
from campaigns.gate.lead import Verdict
from campaigns.inbound import manual
from campaigns.inbound.talks import BadTalk
from campaigns.sending.queue import MAIL_MOST, CannotQueue, mail_sender_of
from common.admin import dressed
from common.admin_extensions import Done
from common.admin_teams import refuse
from leads.models import Lead

SUBJECT_MOST = 400


class MailForm(forms.Form):
    """Plain text; what the law wants below it is added when it leaves."""

    subject = forms.CharField(max_length=SUBJECT_MOST, label="Subject")
    mail = forms.CharField(
        max_length=MAIL_MOST,
        label="Your e-mail",
        widget=forms.Textarea(attrs={"rows": 6, "data-send-with": "ctrl-enter"}),
        help_text="Ctrl and Enter send it. Your company’s name and address, and the way out, are added below.",
    )
    press = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def once(self, lead: Lead, by: User) -> UUID:
        """Of this press, and of nobody else's."""
        said = f"{lead.pk} {by.pk} {self.cleaned_data['press']}"
        return UUID(bytes=salted_hmac("lead mail", said, algorithm="sha256").digest()[:16], version=4)


def context(request: HttpRequest, lead: Lead, verdicts: list[Verdict]) -> dict[str, Any]:
    """The form where an e-mail may be written, else why not. Who sees no contacts writes none."""
    if not lead.email or not access(request).can(Scope.CONTACTS):
        return {}
    data = request.POST if request.POST.get("do") == "mail" else None
    said = next((one for one in verdicts if one.channel == "email"), None)
    return {
        "mail_form": dressed(MailForm(data, auto_id="mail_%s")),
        "mail_verdict": said,
        "mail_from": str(sender) if (sender := mail_sender_of(lead.team)) else "",
    }


def mail(_model_admin: Any, request: HttpRequest, lead: Lead) -> Done:
    """Queues it, in the conversation with this owner."""
    if not access(request).can(Scope.CONTACTS):
        raise refuse(Scope.CONTACTS)
    form = MailForm(request.POST)
    if not form.is_valid():
        return Done(trouble="The e-mail is not sent: see what is marked below.")
    try:
        said, by = form.cleaned_data, user_of(request)
        manual.mail(lead=lead, by=by, subject=said["subject"], text=said["mail"], once=form.once(lead, by))
    except (BadTalk, CannotQueue) as error:
        return Done(trouble=f"The e-mail is not sent: {error}")
    return Done(words="Your e-mail is on its way, if the rules let it: the Inbox shows it.")


ACTS = {"mail": mail}
