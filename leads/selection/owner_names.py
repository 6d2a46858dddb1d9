"""Leads by words of their owner's name, in any order: "smith jo" finds Jo Ann Smith. By the index of words."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Func, Q, TextField, Value
from django.db.models.lookups import Regex

from leads.selection.search import CONTACT, Finds, key_of, plain

NAMES = ("owner_name", "second_owner_name", "first_name", "last_name")


def named(text: str) -> Q:
    """Leads of whose owner's name each of these words begins a word. A name that holds a phone or an e-mail is found
    by nobody this way: it would be told digit by digit to who sees none.
    """
    words = plain([text])[0].split()
    if not words:
        return Q(pk__in=[])
    names: Any = Func(Value(" "), *map(F, NAMES), function="concat_ws", output_field=TextField())
    told: Any = Func(names, function="public.leads_plain", output_field=TextField())
    begins = (Q(Regex(told, rf"\m{word}")) for word in words)  # letters and digits alone: `plain` leaves nothing else
    finds = " & ".join(key_of("", word, begins=True) for word in words)
    return Q(Finds(finds)) & Q(*begins) & ~Q(Regex(names, CONTACT))
