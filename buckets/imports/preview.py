"""What an import would make of a file, before anything is saved. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from buckets.imports.columns import MARKS, NUMBERS, Chosen, looks_like_mark
from buckets.imports.reading import Row
from buckets.imports.rows import Lead, Reader, Unusable, is_blank
from integrations.lookups.stand_in_ids import ADDRESS

PREVIEW_ROWS = 5_000  # half a second
SHOWN = 10
_UNREAD = {
    "propertyId": "a property id that is not RealEstateAPI's",
    "apn": "an APN that a spreadsheet has made a number of",
    "fips": "a FIPS code that is none",
    "state": "a state that is none",
    "zip": "a ZIP that is none",
    "mailingState": "a mailing state that is none",
    "mailingZip": "a mailing ZIP that is none",
    **dict.fromkeys(NUMBERS[2:], "a further phone that nobody could call"),
    "phone": "a phone that nobody could call",
    "secondaryPhone": "a second phone that nobody could call",
    **{f"{number}Type": "a further phone's type that is not known" for number in NUMBERS[2:]},
    "phoneType": "a phone type that is not known",
    "secondaryPhoneType": "a second phone's type that is not known",
    **dict.fromkeys(MARKS, "a do-not-call mark that cannot be read, and is taken as do not call"),
    "email": "an e-mail address that is none",
}


@dataclass(slots=True)
class Preview:
    """What became of the rows that were looked at. reasons: unusable rows by what is wrong with them."""

    rows: int = 0
    usable: int = 0
    skipped: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    first: list[tuple[int, Lead]] = field(default_factory=list)

    def shown(self) -> list[dict[str, Any]]:
        """The first usable rows as they would be saved."""
        return [
            {"line": line, "propertyId": lead.property_id, "facts": _columns(lead.facts)} for line, lead in self.first
        ]


def _columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Each as text, as every preview has it."""
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in facts.items()}
    texts.pop("bought", None)
    return texts | ({"more_phones": ", ".join(e["value"] for e in more)} if (more := facts.get("more_phones")) else {})


def preview(rows: Iterable[Row], names: Iterable[str], chosen: Chosen) -> Preview:
    """Looks at these rows through the chosen columns. `names`: the file's columns, in order."""
    columns = list(names)
    seen, reader = Preview(), Reader(chosen, len(columns))
    lacking: Counter[str] = Counter()
    called: Counter[str] = Counter()
    for row in rows:
        seen.rows += 1
        if is_blank(row.cells):
            seen.skipped += 1
            continue
        lacking["narrow"] += len(row.cells) < len(columns)
        try:
            lead = reader(row.cells)
        except Unusable as error:
            seen.failed += 1
            seen.reasons[str(error)] += 1
            continue
        seen.usable += 1
        if len(seen.first) < SHOWN:
            seen.first.append((row.line, lead))
        called[lead.property_id] += 1
        lacking.update(lead.unread)
        if lead.property_id.startswith(ADDRESS):
            lacking["noZip"] += "property_zip" not in lead.facts
            lacking["noCity"] += not {"property_city", "property_state"} <= lead.facts.keys()
    seen.warnings = [*_about_columns(columns, chosen), *_about_rows(seen, lacking, called)]
    return seen


def _about_columns(columns: list[str], chosen: Chosen) -> list[str]:
    said = []
    same = [name for name, count in Counter(name.casefold() for name in columns if name).items() if count > 1]
    said += [f"Two columns or more are called {name!r}: check which one is meant." for name in same[:5]]
    used: dict[int, str] = {}
    for name, column in chosen.columns.items():
        if column in used:
            said.append(f"{used[column]} and {name} are read from the same column.")
        used[column] = name
    unused = [name for index, name in enumerate(columns) if index not in used and name]
    if unused:
        said.append(f"Not used: {', '.join(unused[:20])}{' …' if len(unused) > 20 else ''}.")
    if marks := [name for name in unused if looks_like_mark(name)]:
        said.append(f"Not used, and may say who must not be called: {', '.join(marks[:20])}.")
    if "propertyId" in chosen.columns:
        said.append("Property ids are taken as RealEstateAPI's own: another list's numbers are other people's houses.")
    return said


def _about_rows(seen: Preview, lacking: Mapping[str, int], called: Mapping[str, int]) -> list[str]:
    def rows(count: int) -> str:
        return f"{count:,} {'row has' if count == 1 else 'rows have'}"

    said = [f"{count:,} of {seen.rows:,} rows cannot be used: {words}." for words, count in seen.reasons.most_common()]
    if count := lacking.get("noZip", 0):
        said.append(f"{rows(count)} no ZIP: the city and state must do.")
    if count := lacking.get("noCity", 0):
        said.append(f"{rows(count)} no city and state: RealEstateAPI may not find them by street and ZIP.")
    said += [f"{rows(lacking[name])} {words}." for name, words in _UNREAD.items() if lacking.get(name)]
    if count := lacking.get("narrow", 0):
        said.append(f"{rows(count)} fewer cells than the header.")
    if twice := sum(called.values()) - len(called):
        said.append(f"{rows(twice)} a property that an earlier row names too: one lead is made.")
    return said
