"""The form of a draft: whom, in which steps, with which texts. What it says becomes a `Plan`; the service checks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms

from accounts.access import Access
from buckets.filling.algebra import in_words
from buckets.models import Bucket
from campaigns.admin.combination_form import BUCKETS_SHOWN as COMBINED_SHOWN
from campaigns.admin.combination_form import CombinationForm
from campaigns.models import Campaign, MailSender, Sender, Step, Template, TemplateVersion
from campaigns.planning.audience import LEADS_MOST, PRESETS, Audience
from campaigns.planning.campaigns import NAME_MAX
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import CALL, SMS, STEPS_MAX, StepPlan, VariantPlan, current
from campaigns.texts.scripts import SCRIPT_MOST
from common.admin import dressed
from leads.models import SavedView
from leads.permission.selling import active_seller

BUCKETS_SHOWN = 500  # the latest
SHOWN_STEPS, SHOWN_TEXTS = 5, 2  # a campaign of more keeps them
KEPT, SETS = "kept", "sets"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIELDS = {  # what a refusal names -> the form's field
    "name": "name", "maxCost": "max_cost", "dailyLimit": "daily_limit", "senderId": "sender", "audience": "whom",
    "bucketId": "whom", "viewId": "whom", "filters": "whom", "sets": "whom", "preset": "preset", "limit": "limit",
    "window": "opens", "mailSenderId": "mail_sender", "stopOn": "stop_click", "script": "script",
}  # fmt: skip
CALLED = {"sms": "Text", "email": "E-mail"}
_OF_STEP = {"delayAmount": "amount", "delayUnit": "unit", "condition": "condition", "channel": "channel"}


class StepForm(forms.Form):
    """A step; one that is no call and has no text or e-mail is none. What is written has its template's channel."""

    channel = forms.ChoiceField(
        label="What",
        choices=[(SMS, "A text or an e-mail"), (CALL, "A call by one of your callers")],
        initial=SMS,
        required=False,
    )
    amount = forms.IntegerField(label="Days or hours after the step before", required=False, min_value=0)
    unit = forms.ChoiceField(label="In", choices=Step.Unit.choices, initial=Step.Unit.DAYS, required=False)
    at_local = forms.TimeField(
        label="Not before (their time)", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    condition = forms.ChoiceField(
        label="To whom",
        choices=[
            ("no_reply", "Who has not replied"),
            ("no_human_click", "Who has not clicked a link"),
            ("always", "Everybody still in it"),
        ],
        required=False,
    )
    a = forms.ChoiceField(label="Text or e-mail A", required=False)
    b = forms.ChoiceField(label="B, to compare", required=False)
    share = forms.IntegerField(label="Share of A (%)", required=False, min_value=1, max_value=99, initial=50)

    def __init__(
        self, *args: Any, texts: Mapping[str, Sequence[tuple[str, str]]], position: int, **kwargs: Any
    ) -> None:
        """texts: choices by channel."""
        super().__init__(*args, **kwargs)
        self.position = position
        self.channels = {value: channel for channel, choices in texts.items() for value, _ in choices}
        groups = [(f"{CALLED[channel]}s", list(choices)) for channel, choices in texts.items() if choices]
        a: Any = self.fields["a"]
        b: Any = self.fields["b"]
        a.choices = [("", "No text"), *groups]
        b.choices = [("", "None"), *groups]
        if position == 1:
            del self.fields["amount"], self.fields["unit"], self.fields["condition"]

    @property
    def is_call(self) -> bool:
        """Of a valid form."""
        return self.cleaned_data.get("channel") == CALL

    @property
    def of_texts(self) -> list[forms.BoundField]:
        """What a call does not have."""
        return [self[name] for name in ("a", "b", "share")]

    @property
    def of_both(self) -> list[forms.BoundField]:
        """What any step has."""
        return [self[name] for name in self.fields if name not in ("a", "b", "share")]

    @property
    def is_filled(self) -> bool:
        """Whether it stands for a step, as the page shows it now."""
        return bool(self["a"].value()) or self["channel"].value() == CALL

    @property
    def texts(self) -> list[str]:
        """Of a valid form: what was chosen, A first; of a call none."""
        return [] if self.is_call else [one for one in (self.cleaned_data.get("a"), self.cleaned_data.get("b")) if one]

    @property
    def sends(self) -> str:
        """Of a valid form: by which channel; '': it is no step."""
        return CALL if self.is_call else next((self.channels[one] for one in self.texts), "")

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("b") and not said.get("a") and "a" not in self.errors and said.get("channel") != CALL:
            self.add_error("a", "Choose text A before text B.")
        elif (
            said.get("b")
            and said.get("a")
            and said.get("channel") != CALL
            and self.channels[said["a"]] != self.channels[said["b"]]
        ):
            self.add_error("b", "Compare a text with a text, and an e-mail with an e-mail.")
        return said

    def plan(self, versions: frozenset[str]) -> StepPlan:
        """versions: choices that are a text the campaign has already; the others are templates."""
        said, texts = self.cleaned_data, self.texts
        share = (said.get("share") or 50) if len(texts) == SHOWN_TEXTS else 100
        variants = [
            VariantPlan(**{"version_id" if one in versions else "template_id": UUID(one)}, weight=weight)
            for one, weight in zip(texts, (share, 100 - share), strict=False)
        ]
        return StepPlan(
            variants=variants,
            delay_amount=said.get("amount") or 0,
            delay_unit=said.get("unit") or "days",
            at_local=said.get("at_local"),
            condition=said.get("condition") or "no_reply",
            channel=self.sends,
        )


class CampaignForm(forms.Form):
    """campaign: the draft it changes; None: a new one."""

    name = forms.CharField(max_length=NAME_MAX)
    whom = forms.ChoiceField(label="Whom")
    preset = forms.ChoiceField(label="Only", required=False, choices=[("", "All of them"), *PRESETS.items()])
    limit = forms.IntegerField(label="Leads at most", required=False, min_value=1, max_value=LEADS_MOST)
    sender = forms.ChoiceField(label="From the number", required=False)
    mail_sender = forms.ChoiceField(label="From the e-mail address", required=False)
    track_clicks = forms.BooleanField(
        label="Count clicks", required=False, help_text="Links of its e-mails lead through this installation"
    )
    track_opens = forms.BooleanField(label="Count opens", required=False, help_text="Nothing acts on them")
    stop_click = forms.BooleanField(
        label="Stop for who clicks a link", required=False, help_text="Only clicks of people count, not of scanners"
    )
    max_cost = forms.DecimalField(
        label="Spending limit ($)", required=False, max_digits=12, decimal_places=4, help_text="It pauses there"
    )
    daily_limit = forms.IntegerField(label="Messages a day", required=False, min_value=1)
    opens = forms.TimeField(
        label="Not before", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="Their time; empty: what the law allows",
    )  # fmt: skip
    closes = forms.TimeField(
        label="Not after", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    weekdays = forms.MultipleChoiceField(
        label="On", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(str(n), name) for n, name in enumerate(WEEKDAYS, start=1)],
    )  # fmt: skip
    script = forms.CharField(
        max_length=SCRIPT_MOST, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6}),
        label="Script for calls",
        help_text="What callers read out. {{firstName|there}} is a variable, with what stands there for who has none.",
    )  # fmt: skip
    split = forms.BooleanField(label="Split more than 2,000 people into several campaigns", required=False)

    def __init__(
        self, data: Any = None, *, person: Access, campaign: Campaign | None = None, bucket: str = "", **more: Any
    ) -> None:
        self.person, self.campaign = person, campaign
        self.kept = Audience.from_json(campaign.audience) if campaign else Audience()
        buckets = list(Bucket.objects.worked_by(person).order_by("-pk")[:BUCKETS_SHOWN])
        self.combination = CombinationForm(data, buckets=buckets[:COMBINED_SHOWN], sets=self.kept.sets)
        super().__init__(data, initial=self._initial(bucket), **more)
        fields: dict[str, Any] = self.fields
        fields["whom"].choices = self._whom(buckets)
        fields["sender"].choices = self._senders(Sender, "number")
        fields["mail_sender"].choices = self._senders(MailSender, "address")
        if campaign:
            del self.fields["split"]
        self.versions: frozenset[str] = frozenset()
        self.steps = list(self._step_forms(data))

    # --- What it begins with ------------------------------------------------------------------------------------------

    def _initial(self, bucket: str) -> dict[str, Any]:
        every = [str(n) for n in range(1, 8)]
        if self.campaign is None:
            return {"whom": f"bucket:{bucket}" if bucket else "", "weekdays": every}
        window = self.campaign.window
        return {
            "name": self.campaign.name,
            "script": self.campaign.script,
            "whom": f"bucket:{self.kept.bucket_id}" if self.kept.bucket_id else SETS if self._shows_sets else KEPT,
            "preset": self.kept.preset,
            "limit": self.kept.limit,
            "sender": str(self.campaign.sender_id or ""),
            "mail_sender": str(self.campaign.mail_sender_id or ""),
            "track_clicks": self.campaign.track_clicks,
            "track_opens": self.campaign.track_opens,
            "stop_click": "click" in self.campaign.stop_on,
            "max_cost": self.campaign.max_cost,
            "daily_limit": self.campaign.daily_limit,
            "opens": window.get("open"),
            "closes": window.get("close"),
            "weekdays": [str(day + 1) for day in window["weekdays"]] if window else every,
        }

    @property
    def _shows_sets(self) -> bool:
        """Whether it is a combination all of whose buckets can be chosen here: another is kept as it is."""
        return self.kept.sets is not None and self.combination.holds_all

    def _whom(self, buckets: Sequence[Bucket]) -> list[Any]:
        views = SavedView.objects.seen_by(self.person).order_by("name", "pk")
        kept = []
        if self.campaign is not None and self.kept.bucket_id is None and not self._shows_sets:
            kept = [(KEPT, audience_in_words(self.kept))]
        elif self.campaign is not None and self.kept.bucket_id is not None:
            kept = [(f"bucket:{self.kept.bucket_id}", self.campaign.bucket_name)]
        chosen = dict(kept)
        return [
            ("", "Choose a bucket, a saved view or a combination"),
            *kept,
            *([(SETS, "A combination of buckets, chosen below")] if buckets else []),
            ("Buckets", [(v, str(row)) for row in buckets if (v := f"bucket:{row.pk}") not in chosen]),
            ("Saved views", [(f"view:{row.pk}", str(row)) for row in views]),
        ]

    def _senders(self, model: type[Sender] | type[MailSender], what: str) -> list[tuple[str, str]]:
        seller = active_seller(self.person.team_id)
        rows = model.objects.filter(seller=seller, retired_at__isnull=True) if seller else model.objects.none()
        known = [(str(row.pk), str(row)) for row in rows.order_by("pk")]
        return [("", f"Your company’s only {what}" if len(known) < 2 else "Choose later"), *known]

    def _step_forms(self, data: Any) -> Iterator[StepForm]:
        rows = list(self.campaign.steps.prefetch_related("variants__version__template")) if self.campaign else []
        newest = dict(
            TemplateVersion.objects.filter(template__team=self.person.team)
            .order_by("template_id", "-number").distinct("template_id").values_list("template_id", "pk")
        )  # fmt: skip
        mine = Template.objects.seen_by(self.person).filter(channel__in=CALLED).order_by("name", "pk")
        texts: dict[str, list[tuple[str, str]]] = {channel: [] for channel in CALLED}
        for template in mine:
            texts[template.channel].append((str(template.pk), template.name))
        used = {one.version_id: one.version for row in rows for one in current(row.variants.all())}
        older = [v for v in used.values() if newest.get(v.template_id) != v.pk]
        self.versions = frozenset(str(v.pk) for v in older)
        for v in older:
            texts[v.template.channel].append((str(v.pk), f"{v.template.name}, as it was (version {v.number})"))
        self.is_larger = any(len(current(row.variants.all())) > SHOWN_TEXTS for row in rows)
        for position in range(1, min(STEPS_MAX, max(SHOWN_STEPS, len(rows) + 1)) + 1):
            first: dict[str, Any] = {}
            if position <= len(rows):
                row = rows[position - 1]
                variants = current(row.variants.all())
                ids = [
                    str(one.version_id if str(one.version_id) in self.versions else one.version.template_id)
                    for one in variants[:SHOWN_TEXTS]
                ]
                first = {
                    "channel": CALL if row.channel == CALL else SMS, "amount": row.delay_amount, "unit": row.delay_unit,
                    "at_local": row.at_local, "condition": row.condition, **dict(zip(("a", "b"), ids, strict=False)),
                    "share": variants[0].weight if len(variants) == SHOWN_TEXTS else 50,
                }  # fmt: skip
            yield StepForm(data, prefix=f"s{position}", texts=texts, position=position, initial=first)

    # --- What it says -------------------------------------------------------------------------------------------------

    def is_valid(self) -> bool:
        """With its steps."""
        own = super().is_valid()
        return all([own, self.combination.is_valid(), *(step.is_valid() for step in self.steps)])

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if bool(said.get("opens")) != bool(said.get("closes")) and not {"opens", "closes"} & set(self.errors):
            self.add_error("opens", "Enter both, or neither.")
        return said

    @property
    def used(self) -> list[StepForm]:
        """The steps that have a text or an e-mail, or are a call."""
        return [step for step in self.steps if step.is_bound and hasattr(step, "cleaned_data") and step.sends]

    def audience(self) -> Audience:
        """Of a valid form, or as far as it is filled in. Raises CampaignError naming `whom`."""
        said = self.cleaned_data
        kind, _, value = said.get("whom", "").partition(":")
        narrowed = {"preset": said.get("preset", ""), "limit": said.get("limit")}
        if kind == KEPT or (kind == "bucket" and value == str(self.kept.bucket_id)):
            return replace(self.kept, **narrowed)
        if kind == SETS and self.combination.is_valid():
            sets = self.combination.sets()
            return replace(self.kept if sets == self.kept.sets else Audience(), sets=sets, **narrowed)
        if kind == "bucket":
            return Audience(bucket_id=UUID(value), **narrowed)
        if kind == "view":
            view = SavedView.objects.seen_by(self.person).filter(pk=value).first()
            if view is not None:
                return Audience(view=view.query, view_name=view.name, **narrowed)
        raise CampaignError("INVALID", "Choose a bucket, a saved view or a combination.", "audience")

    def window(self) -> Mapping[str, Any]:
        """As the service takes it: nothing but the law's hours where nothing narrower is said."""
        said, every = self.cleaned_data, len(WEEKDAYS)
        days = sorted(map(int, said["weekdays"])) or list(range(1, every + 1))
        if said["opens"] is None and len(days) == every:
            return {}
        opens = f"{said['opens']:%H:%M}" if said["opens"] else "00:00"
        closes = f"{said['closes']:%H:%M}" if said["closes"] else "23:59"
        return {"open": opens, "close": closes, "weekdays": days}

    def changes(self) -> dict[str, Any]:
        """Fields of `Plan`."""
        said = self.cleaned_data
        told = {
            "name": said["name"],
            "audience": self.audience(),
            "sender_id": UUID(said["sender"]) if said["sender"] else None,
            "mail_sender_id": UUID(said["mail_sender"]) if said["mail_sender"] else None,
            "track_opens": said["track_opens"],
            "track_clicks": said["track_clicks"],
            "stop_on": self._stops(),
            "window": self.window(),
            "max_cost": said["max_cost"],
            "daily_limit": said["daily_limit"],
            "script": said["script"],
        }
        return told if self.is_larger else told | {"steps": [step.plan(self.versions) for step in self.used]}

    def _stops(self) -> list[str]:
        """A reply ends a new one; what the API has said of another stays."""
        kept = ["reply"] if self.campaign is None else [one for one in self.campaign.stop_on if one != "click"]
        return [*kept, *(["click"] if self.cleaned_data["stop_click"] else [])]

    def refuse(self, error: CampaignError) -> None:
        """The service's refusal, beside what it names."""
        first, _, rest = error.field.partition(".")
        place, _, of_step = rest.partition(".")
        if first == "steps" and place.isdigit() and int(place) < len(self.used):
            name = _OF_STEP.get(of_step, "b" if of_step.startswith("variants.1") else "a")
            step = self.used[int(place)]
            step.add_error(name if name in step.fields else None, str(error))
            self.add_error(None, f"Step {step.position}: {error}")
            return
        name = _FIELDS.get(first, "")
        self.add_error(name if name in self.fields else None, str(error))


def audience_in_words(audience: Audience) -> str:
    """Whom it is drawn from."""
    ids = audience.sets.ids if audience.sets else set()
    names = dict.fromkeys(ids, "a deleted bucket") | dict(Bucket.objects.filter(pk__in=ids).values_list("pk", "name"))
    if audience.view is not None:
        return f"Saved view “{audience.view_name}”, as it was"
    if audience.sets is not None:
        return in_words(audience.sets, names).removesuffix(".")
    if audience.lead_ids is not None:
        many = len(audience.lead_ids)
        return f"{many:,} chosen lead{'' if many == 1 else 's'}"
    return "A bucket"


def dressed_whole(form: CampaignForm) -> CampaignForm:
    """`dressed`, with its steps."""
    for step in form.steps:
        dressed(step)
    dressed(form.combination)
    return dressed(form)
