"""Forms that read a box as every other boolean is read, and take a field once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from common.values import booleans


def _is_ticked(value: object) -> bool:
    try:
        return value == "on" or booleans.read(value)
    except ValueError:
        return False


class Box(forms.CheckboxInput):
    """Gives what was sent as it is. Django's own makes a tick of "0", of "no" and of the last of several."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, check_test=_is_ticked)

    def value_from_datadict(self, data: Mapping[str, Any], _files: object, name: str) -> Any:
        values = data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []
        return values[0] if len(values) == 1 else values or None


class BoxField(forms.BooleanField):
    """A box: ticked ("on", as browsers send it), or true or false in any spelling; False where it was not sent."""

    widget = Box
    unsaid: bool | None = False

    def to_python(self, value: object) -> Any:
        if value is None or value == "":
            return self.unsaid
        try:
            return True if value == "on" else booleans.read(value)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def has_changed(self, initial: object, data: object) -> bool:
        """A box that is not sent changes a tick alone: where "no" is what stands, it stays."""
        if data is None or data == "":
            return bool(initial)
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class AskedField(BoxField):
    """A box of a filter: None where it was not sent, so that a "false" that was sent filters."""

    unsaid = None


class OnceForm(forms.Form):
    """Refuses a field that was sent several times and takes one value, instead of taking the last."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        sent: Any = getattr(self.data, "getlist", lambda _name: [])
        for name, field in self.fields.items():
            takes_one = not getattr(field.widget, "allow_multiple_selected", False)
            if takes_one and name not in self.errors and len(sent(self.add_prefix(name))) > 1:
                self.add_error(name, "Give it once.")
        return data
