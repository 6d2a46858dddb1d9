"""A combination of buckets as an audience: a place for each bucket, as the page that combines buckets has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from buckets.filling.algebra import PLACES, Sets
from buckets.models import Bucket

BUCKETS_SHOWN = 100  # the latest
_NAME = "set-"


class CombinationForm(forms.Form):
    """buckets: those to choose from. sets: what the campaign has."""

    def __init__(self, data: Any = None, *, buckets: Sequence[Bucket], sets: Sets | None, **more: Any) -> None:
        sets = sets or Sets()
        first = {f"{_NAME}{one}": part for part, _ in PLACES if part for one in getattr(sets, part)}
        super().__init__(data, initial=first, **more)
        self.holds_all = sets.ids <= {bucket.pk for bucket in buckets}
        for bucket in buckets:
            self.fields[f"{_NAME}{bucket.pk}"] = forms.ChoiceField(
                required=False, choices=PLACES, label=str(bucket), help_text=f"{bucket.total_leads:,} leads"
            )

    def sets(self) -> Sets:
        """Of a valid form: nothing chosen is an empty combination, which the service refuses."""
        chosen = {UUID(name.removeprefix(_NAME)): part for name, part in self.cleaned_data.items() if part}
        return Sets.of_places(chosen)
