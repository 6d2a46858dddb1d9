"""The form by which a lead's page suppresses one of its contacts, or its owner: for who is shown them masked, too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.access import access
from common.admin_extensions import Extensible
from leads.admin.permission.base import refuse_in
from leads.admin.permission.suppressions import DONE, KNOWN, AddForm
from leads.keys.owner_keys import PHONE
from leads.models import Lead
from leads.permission.adding import OfLead, add_suppression, contacts_of, masked_contact
from leads.permission.suppressing import BadSuppression

_EVERYTHING = "everything"
_CHANGED = "The contacts of this lead have changed: look at them again and choose."


class SuppressForm(AddForm):
    """which: a contact by its place and as it is shown masked, so that none that came there since is meant."""

    which = forms.ChoiceField(label="What", error_messages={"invalid_choice": _CHANGED})
    phone = email = None  # type: ignore[assignment]  # takes the fields off
    field_order = ("which",)

    def __init__(self, lead: Lead, data: Any = None) -> None:
        super().__init__(data, auto_id="suppress_%s")
        choices = [("", "Choose …")]
        for kind, values in contacts_of(lead).items():
            name, words = ("phone", "Phone") if kind == PHONE else ("email", "E-mail")
            shown = [masked_contact((kind, value)) for value in values]
            choices += [(f"{name} {place} {text}", f"{words} {text}") for place, text in enumerate(shown, 1)]
        if len(choices) > 1:
            choices.append((_EVERYTHING, "Everything of this owner: all phones and e-mails"))
        self.fields["which"].choices = choices  # type: ignore[attr-defined]

    @property
    def has_contacts(self) -> bool:
        return len(self.fields["which"].choices) > 1  # type: ignore[attr-defined]

    def meant(self, lead: Lead) -> OfLead:
        which = self.cleaned_data["which"]
        if which == _EVERYTHING:
            return OfLead(lead.pk)
        name, place, masked = which.split(" ", 2)
        return OfLead(lead.pk, **{name: int(place)}, masked=masked)


def suppress_on_page(
    model_admin: Extensible, request: HttpRequest, lead: Lead, form: SuppressForm
) -> HttpResponse | None:
    """None: the form says what is wrong."""
    if not form.is_valid():
        return None
    said = {name: form.cleaned_data[name] for name in ("reason", "scope", "words")}
    try:
        done = add_suppression(access=access(request), of_lead=form.meant(lead), **said)
    except BadSuppression as error:
        refuse_in(form, error)
        return None
    model_admin.message_user(request, DONE if done.added else KNOWN, messages.SUCCESS)
    return HttpResponseRedirect(reverse("admin:leads_lead_change", args=[lead.pk]))
