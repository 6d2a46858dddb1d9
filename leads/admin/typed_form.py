"""What a person knows better than what was bought: names, phones, an e-mail, where the owner gets mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django import forms
from django.http import HttpRequest

from accounts.selectors import user_of
from integrations.vendors import normalise
from leads.facts.typed import EditRefused, email_of
from leads.models import Lead
from leads.services import edit_lead

NO_PHONE = "This is no phone number that could be called."
NO_EMAIL = "This is no e-mail address."
_KINDS = [("", "Not known"), ("mobile", "Mobile"), ("landline", "Landline"), ("voip", "VoIP")]
_READ: Mapping[str, tuple[Callable[[object], str | None], str]] = {
    "phone": (normalise.phone, NO_PHONE),
    "secondary_phone": (normalise.phone, NO_PHONE),
    "email": (email_of, NO_EMAIL),
    "mailing_state": (normalise.state, "Two letters are needed, such as WA."),
    "mailing_zip": (normalise.zip5, "Five digits are needed."),
}


def _text(label: str, most: int = 200, **options: Any) -> forms.CharField:
    return forms.CharField(max_length=most, required=False, label=label, show_hidden_initial=True, **options)


class TypedForm(forms.Form):
    """Only what differs from what the page showed is said: a colleague's word of meanwhile stays."""

    owner_name = _text("Owner")
    first_name = _text("First name")
    last_name = _text("Last name")
    phone = _text("Phone", 40, help_text="Type over it for another; the old one is kept")
    phone_type = forms.ChoiceField(choices=_KINDS, required=False, label="Phone is", show_hidden_initial=True)
    secondary_phone = _text("Second phone", 40)
    secondary_phone_type = forms.ChoiceField(
        choices=_KINDS, required=False, label="Second phone is", show_hidden_initial=True
    )
    email = _text("E-mail", 254)
    mailing_address = _text("Mailing address: street")
    mailing_city = _text("Mailing city")
    mailing_state = _text("Mailing state", 20)
    mailing_zip = _text("Mailing ZIP", 10)

    def __init__(self, lead: Lead, data: Any = None) -> None:
        first = {name: getattr(lead, name) or "" for name in self.base_fields}
        super().__init__(data, initial=first, auto_id="typed_%s")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = {**self.cleaned_data}
        for name in self.changed_data:
            text = str(data.get(name) or "").strip()
            if name in _READ and text:
                read, words = _READ[name]
                if (value := read(text)) is None:
                    self.add_error(name, words)
                text = value or ""
            data[name] = text
        if not self.errors and not self.changed_data:
            raise forms.ValidationError("Nothing was changed.")
        return data

    def said(self) -> dict[str, Any]:
        """By column; an emptied field takes one's own word back. A number's type alone is not emptied."""
        said = {name: self.cleaned_data[name] or None for name in self.changed_data}
        return {name: value for name, value in said.items() if value or not name.endswith("_type")}


def type_on_page(request: HttpRequest, lead: Lead, form: TypedForm) -> bool:
    """Whether it was saved; what is wrong stands in the form."""
    if not form.is_valid():
        return False
    act = partial(edit_lead, lead=lead, by=user_of(request))
    try:
        act(changes=form.said())
    except EditRefused as refusal:
        form.add_error(refusal.column if refusal.column in form.fields else None, str(refusal))
        return False
    return True
