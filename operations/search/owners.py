"""Whose leads these are: owners by the names that stand on their leads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from leads.facts.sources import name_of
from leads.models import Lead
from leads.selection.search import PREFIX


@dataclass(frozen=True, slots=True)
class Owner:
    """lead: one of theirs, the best match. leads: how many of the leads that were looked at are theirs."""

    name: str
    lead: Lead
    leads: int


def owners_among(leads: Iterable[Lead], text: str, each: int) -> list[Owner]:
    """Those of these leads in whose owner's name a word begins like one of the search; the best match's first."""
    words = [word for word in _words(text) if len(word) >= PREFIX and not word.isdigit()]
    found: dict[str, Owner] = {}
    for lead in leads:
        name = name_of(vars(lead)) or ""
        parts = _words(name)
        if not any(part.startswith(word) for part in parts for word in words):
            continue
        key = " ".join(sorted(parts))  # "Smith, John" is "John Smith"
        there = found.get(key)
        found[key] = Owner(there.name, there.lead, there.leads + 1) if there else Owner(name, lead, 1)
    return list(found.values())[:each]


def _words(text: str) -> list[str]:
    """In one spelling: without accents and apostrophes, as the leads' index has them."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return re.findall(r"\w+", re.sub("['’‘`´ʼ]", "", plain).casefold())
