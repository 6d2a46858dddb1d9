"""What is asked before something is done to many leads. Each says what its kind of job is told."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.access import Access
from common.contact_access import told
from common.db.ids import uuid7
from common.forms import OnceForm
from leads.admin.assigning import MEMBERS_OFFERED, assignable
from leads.admin.stages import stage_choices
from leads.bulk.noting import KINDS, TEXT_MAX
from leads.fields.definitions import fields_of
from leads.fields.values import TEXT_MAX as TEXT_MAX_OF_FIELD
from leads.fields.values import read
from leads.models import Activity, CustomField, Suppression
from leads.permission.adding import REASONS, WORDS_MOST
from leads.registries import buckets_of

BUCKETS_OFFERED = 200


class BulkForm(OnceForm):
    """count: how many leads the page speaks of. Its hidden fields say so, which press it is, and whether all that the
    list's filters find are meant.
    """

    select_across = forms.IntegerField(required=False, widget=forms.HiddenInput)
    expect = forms.IntegerField(required=False, widget=forms.HiddenInput)
    once = forms.UUIDField(required=False, widget=forms.HiddenInput)
    hidden = ("select_across", "expect", "once", "again")

    def __init__(self, data: Any = None, *, access: Access, count: int, across: bool) -> None:
        first = {"select_across": int(across), "expect": count, "once": uuid7()}
        super().__init__(data, initial=first)
        self.access = access

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name not in (*self.hidden, "typed")}


class StatusForm(BulkForm):
    """One of the five, or a label of the team under it."""

    status = forms.ChoiceField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["status"]
        field.choices = stage_choices(self.access.team_id)

    def arguments(self) -> dict[str, Any]:
        status, _, label = self.cleaned_data["status"].partition(":")
        return {"status": status, "statusLabel": label} if label else {"status": status}


class FieldForm(BulkForm):
    """One of the team's own fields, and what is to stand in it."""

    field = forms.ChoiceField(label="Custom field")
    value = forms.CharField(required=False, max_length=TEXT_MAX_OF_FIELD, help_text="Leave it empty to empty the field")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.offered = {one.key: one for one in fields_of(self.access.team_id)}
        field: Any = self.fields["field"]
        field.choices = [("", "Choose …"), *((key, _takes(one)) for key, one in self.offered.items())]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "field" in data and "value" in data:
            try:
                read(self.offered[data["field"]], data["value"])
            except ValueError as error:
                self.add_error("value", str(error))
        return data


def _takes(field: CustomField) -> str:
    """Its name, with what may stand in it."""
    choices = ", ".join(str(told(one)) for one in field.choices)
    return f"{field} ({choices or str(field.get_kind_display()).lower()})"


class TagForm(BulkForm):
    tag = forms.CharField(max_length=50, help_text="Upper and lower case make no difference")


class NoteForm(BulkForm):
    kind = forms.ChoiceField(choices=[(one.value, one.label) for one in KINDS], label="Activity type")
    text = forms.CharField(max_length=TEXT_MAX, required=False, label="Notes", widget=forms.Textarea(attrs={"rows": 3}))

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("kind") == Activity.Kind.NOTE and "text" in data and not data["text"]:
            self.add_error("text", "Write the note.")
        return data


class AssignForm(BulkForm):
    """To whom. Several: in turn, by the age of the leads."""

    to = forms.MultipleChoiceField(
        label="Assign to",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Check several to deal the leads out in turn, nobody to take them back",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        to: Any = self.fields["to"]
        to.choices = [(str(user.pk), user.get_username()) for user in assignable(self.access.team_id)[:MEMBERS_OFFERED]]


class BucketForm(BulkForm):
    """Which bucket, or what a new one is called."""

    bucketId = forms.ChoiceField(label="Bucket", required=False)
    bucketName = forms.CharField(label="Or a new bucket, by its name", required=False, max_length=200)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        rows = buckets_of(self.access).filter(team=self.access.team_id).order_by("-pk")[:BUCKETS_OFFERED]
        field: Any = self.fields["bucketId"]
        field.choices = [("", "Choose …"), *((str(bucket.pk), str(bucket)) for bucket in rows)]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if not self.errors and bool(data["bucketId"]) == bool(data["bucketName"]):
            self.add_error("bucketName", "Choose a bucket, or name a new one: one of the two.")
        return data

    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in super().arguments().items() if value}


class FinalForm(BulkForm):
    """What cannot be undone is asked twice: the first page says how many leads, the second asks what is to be known and
    wants their number typed. again: it is the second.
    """

    again = forms.CharField(required=False, widget=forms.HiddenInput)
    typed = forms.CharField(required=False, max_length=12, label="Type the number of leads")

    def __init__(self, data: Any = None, *, count: int, again: bool, **options: Any) -> None:
        super().__init__(data, count=count, **options)
        self.count = count
        self.initial["again"] = "1" if again else ""
        if not again:
            self.fields = {name: self.fields[name] for name in self.hidden}

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"].replace(",", "").strip()
        if typed != str(self.count):
            raise forms.ValidationError(f"Type {self.count:,} to go on: this cannot be undone.")
        return typed


class DeleteForm(FinalForm):
    pass


class DoNotContactForm(FinalForm):
    reason = forms.ChoiceField(
        choices=[(name, Suppression.Reason(name).label) for name in REASONS],
        initial=Suppression.Reason.OPERATOR,
        label="Why",
    )
    words = forms.CharField(
        required=False, max_length=WORDS_MOST, widget=forms.Textarea(attrs={"rows": 3}), label="What they said"
    )
    field_order = ("reason", "words")
