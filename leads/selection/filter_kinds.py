"""Kinds of filters that are about leads: what is judged, tags, who works a lead, names, calls, a team's buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from common.contact_access import told
from common.db.ids import uuid7_floor
from common.filters import Count, Flag, KnownFlag, Moment, Text, others
from leads import registries
from leads.calendar import clock
from leads.models import Lead, StatusLabel, Tag
from leads.querysets import dnc_unknown, do_not_call, not_on_dnc, to_call_back
from leads.selection.owner_names import named

ME, NOBODY = "me", "none"
CALLBACKS = [("due", "Due"), ("today", "Today, and what is due"), ("any", "Any")]
PHONE_TYPES = [("mobile", "Mobile"), ("landline", "Landline"), ("voip", "VoIP")]


def callback(value: str) -> Q:
    now = timezone.localtime(clock.now())
    tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return to_call_back({"due": now, "today": tomorrow}.get(value))


class DoNotCall(KnownFlag):
    """Of the phone, of a person who sues who calls, and of who must not be called for another reason."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "phone_do_not_call", Q())

    def passes(self, values: Sequence[Any]) -> Q:
        if values[0] == self.UNKNOWN:
            return dnc_unknown()
        return do_not_call() if values[0] else not_on_dnc()


class Asked(Flag):
    """A flag whose condition is made at each question. False: all others."""

    def __init__(self, label: str, condition: Callable[[], Q]) -> None:
        super().__init__(label, Q(), Q())
        self.condition = condition

    def passes(self, values: Sequence[Any]) -> Q:
        return self.condition() if values[0] else others(self.condition())


def suppressed() -> Q:
    judge = registries.judge()
    return judge.suppressed() if judge else Q(pk__in=[])


def new_replies() -> Q:
    talks = registries.talks()
    return talks.new_replies() if talks else Q(pk__in=[])


class Tagged(Text):
    """A lead has each tag once, and several tags. how: any of the named, all of them, or none.

    A name with a phone or an e-mail in it is no tag's for who sees neither: it would be found by guessing.
    """

    def __init__(self, label: str, how: str = "any") -> None:
        super().__init__(label, "tag__name", Tag._meta.get_field("name").max_length or 0)
        self.how = how

    def passes(self, values: Sequence[Any]) -> Q:
        if self.how == "all":
            return Q(*(self._has([value]) for value in values))
        return ~self._has(values) if self.how == "none" else self._has(values)

    def _has(self, values: Sequence[Any]) -> Q:
        told_names = [value for value in values if told(value) == value]
        if not told_names:
            return Q(pk__in=[])
        named = Lead.tags.through.objects.filter(super().passes(told_names), lead=OuterRef("pk"))
        return Q(Exists(named))


class OwnerName(Text):
    """Words of the owner's name; several values: any of them."""

    def passes(self, values: Sequence[Any]) -> Q:
        return Q(*map(named, values), _connector=Q.OR)


class LastOutcome(Text):
    """How the last call ended, by the codes of the team's call outcomes."""

    def passes(self, values: Sequence[Any]) -> Q:
        talks = registries.talks()
        return talks.last_outcome(values) if talks else Q(pk__in=[])


class Saved(Moment):
    """When the lead was saved: ids are in the order of time, and the primary key finds them."""

    def passes(self, values: Sequence[Any]) -> Q:
        return Q(**{f"pk__{self.lookup}": uuid7_floor(self.moment(values[0]))})


class OnBuckets(Count):
    """On how many of the team's buckets. `within`: of which team, which `matching` knows."""

    def __init__(self, label: str, on: Callable[[int, int | None], Q]) -> None:
        super().__init__(label)
        self.within = on

    def passes(self, values: Sequence[Any]) -> Q:
        raise NotImplementedError("A team's buckets are counted: ask `matching`.")


class Label(Text):
    """A lead's status label, by the name its team gave it, or `none`. Of another team's labels no lead here has one."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "status_label", StatusLabel._meta.get_field("name").max_length or 0)

    def passes(self, values: Sequence[Any]) -> Q:
        named = Q(*(Q(name__iexact=value) for value in values if value != NOBODY), _connector=Q.OR)
        found = Q(status_label__in=StatusLabel.objects.filter(named)) if named else Q(pk__in=[])
        return found | Q(status_label__isnull=True) if NOBODY in values else found


class Assignee(Text):
    """Who works the lead: a user's id or name, `me`, or `none`."""

    def __init__(self, label: str) -> None:
        super().__init__(label, "assigned_to", 150, exact=True)

    def passes(self, values: Sequence[Any]) -> Q:
        """`matching` has put an id in the place of `me`. Names are looked up first: a join would go by no index."""
        ids = {int(value) for value in values if value.isdecimal() and len(value) < 19}
        names = set(values) - {ME, NOBODY}
        ids |= set(User.objects.filter(username__in=names).values_list("pk", flat=True)) if names else set()
        found = Q(assigned_to_id__in=sorted(ids) or [0])  # 0: nobody's id, where a list that is empty is no SQL
        return found | Q(assigned_to__isnull=True) if NOBODY in values else found


def text_of(label: str, column: str, **options: bool) -> Text:
    """Of the column's own length."""
    field: Any = Lead._meta.get_field(column)
    return Text(label, column, field.max_length, **options)
