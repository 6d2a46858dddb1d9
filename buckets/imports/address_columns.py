"""Whose address a column is part of, by its name and by the columns it stands beside. Pure.

A name that says it ("Situs City", "Owner Zip") decides. Columns that do not say it (Address, City, State, Zip) are
taken together as they stand side by side, and belong to the address they stand beside: with ID, FULLADDRESS, LOCCITY,
LOCZIP, NAME1, NAME_ADD2, CITY, STATE, ZIP the last three are the owner's. A mistake here buys a stranger's house.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from buckets.imports.column_words import MAILING, OTHER, PROPERTY, Called
from buckets.imports.fields import PLACE, STREET, mailing

_LINES = ("address", "street")
_PARTS = ("house", "houseSuffix", "preDirection", "streetName", "streetSuffix", "postDirection")
_OF_ADDRESS = frozenset({*_LINES, *_PARTS, *PLACE, "unit", "building"})
_PARCEL = frozenset({"apn", "account", "fips", "county"})
_PEOPLE = frozenset({"ownerName", "firstName", "lastName", "secondOwnerName", "secondFirstName", "secondLastName"})
_TOWN = re.compile(r"\D+[\s,]+[A-Za-z]{2}\.?[\s,]+\d{5}(?:-?\d{4})?")  # RENO, NV 89501
_WHOLE_LINE = re.compile(r"full|whole|complete|formatted", re.IGNORECASE)

Samples = Sequence[Sequence[str]]  # of each column, what the first rows have in it


@dataclass(slots=True)
class _Block:
    """Columns of one address, by kind; lines of it by their number. whole: a line that may have all of it."""

    kinds: dict[str, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    whole: int | None = None
    first: int = -1

    def add(self, called: Called, index: int) -> None:
        self.first = index if self.first < 0 else self.first
        if called.whole:
            self.whole = index if self.whole is None else self.whole
        elif called.kind == "address":
            self.lines.setdefault(called.number, index)
        else:
            self.kinds.setdefault(called.kind, index)

    @property
    def has_line(self) -> bool:
        """A second line alone is none: it goes with the first."""
        street = "street" in self.kinds and "house" not in self.kinds
        return 1 in self.lines or self.whole is not None or street

    @property
    def line(self) -> int | None:
        """The column of the first line; that of the whole address where there is no other."""
        return self.lines.get(1, self.whole)

    @property
    def all(self) -> list[int]:
        whole = [] if self.whole is None else [self.whole]
        return sorted((*self.kinds.values(), *self.lines.values(), *whole))

    @property
    def has_parts(self) -> bool:
        return "streetName" in self.kinds or {"street", "house"} <= self.kinds.keys()

    @property
    def places(self) -> set[str]:
        return {"zip"} & self.kinds.keys() | ({"city"} if self.kinds.keys() & {"city", "cityStateZip"} else set())


@dataclass(frozen=True, slots=True)
class Addresses:
    """columns: the column of each field. doubted: of places that may be another address's, and were not taken.

    presumed: of places that were taken for the property's, though the file tells of a person too.
    """

    columns: Mapping[str, int]
    doubted: tuple[int, ...] = ()
    presumed: tuple[int, ...] = ()


def addresses(columns: Sequence[str], said: Sequence[Called], samples: Samples) -> Addresses:
    """The columns of the property's address and of the owner's.

    1. Columns whose names say whose they are. 2. The others, in blocks as they stand side by side. 3. A block with a
    street line is the property's where no other column names the property's street, else the owner's. 4. A block of
    city, state and ZIP alone belongs to the address it stands beside; to nobody where that is somebody else's.
    """
    return _Sorting(columns, said, samples).result()


class _Sorting:
    def __init__(self, columns: Sequence[str], said: Sequence[Called], samples: Samples) -> None:
        self.columns, self.said, self.samples = columns, said, samples
        self.of = {PROPERTY: _Block(), MAILING: _Block()}
        self.others: dict[str, _Block] = {}  # addresses of others, by the words that say whose
        self.sides: dict[int, str] = {}  # of a column whose side is known
        self.doubted: list[int] = []
        self.presumed: list[int] = []
        self.named_street = False  # a column's name says that it is the property's street
        self.situs = False

    def result(self) -> Addresses:
        for index, one in enumerate(self.said):
            if one.side and one.kind in _OF_ADDRESS:
                self._give(one.side, index)
        house = self.of[PROPERTY]
        self.named_street = house.has_line or house.has_parts
        lines = [*house.lines.values(), *([] if house.whole is None else [house.whole])]
        streets = [*lines, *(house.kinds[k] for k in ("street", "streetName") if k in house.kinds)]
        self.situs = any(self.said[index].situs for index in streets)
        blocks = list(_blocks(self.said))
        anchored = [block for block in blocks if block.has_line or block.has_parts]
        for block in anchored:
            self._place_anchored(block, anchored)
        loose = [block for block in blocks if not any(block is one for one in anchored)]
        for block in sorted(loose, key=self._is_not_beside_the_owner_s):  # hers first: they tell of the others
            self._place_loose(block)
        found = self._fields(self.of[PROPERTY]) | {
            mailing(name): index for name, index in self._fields(self.of[MAILING]).items()
        }
        return Addresses(found, tuple(self.doubted), tuple(self.presumed))

    def _give(self, side: str, index: int) -> None:
        one = self.said[index]
        (self.others.setdefault(one.whose, _Block()) if side == OTHER else self.of[side]).add(one, index)
        self.sides[index] = side

    def _give_all(self, side: str, block: _Block) -> None:
        for index in block.all:
            self._give(side, index)

    # --- Blocks with a street -----------------------------------------------------------------------------------------

    def _place_anchored(self, block: _Block, anchored: Sequence[_Block]) -> None:
        free = not (self.of[MAILING].has_line or self.of[MAILING].has_parts)
        house = self.of[PROPERTY]
        if self.named_street:
            if block.has_parts and "unit" in block.kinds:
                self._give(PROPERTY, block.kinds["unit"])
            if free and block.has_line and not block.has_parts and not self._is_whole(block):
                self._give_all(MAILING, block)
        elif block.has_parts:
            if not (house.has_line or house.has_parts):
                self._give_all(PROPERTY, block)
        elif parts := next((other for other in anchored if other.has_parts), None):
            if self._same_house(parts, block):
                house.kinds = {k: i for k, i in house.kinds.items() if k not in _PARTS and k != "street"}
                self._give_all(PROPERTY, block)
            elif free:
                self._give_all(MAILING, block)
        elif self._is_owners(block, anchored):
            if free:
                self._give_all(MAILING, block)
        elif not house.has_line:
            self._give_all(PROPERTY, block)

    def _is_owners(self, block: _Block, anchored: Sequence[_Block]) -> bool:
        """Of several addresses that do not say whose they are: the one that follows a name, if only one does."""
        after = [one for one in anchored if one.has_line and one.first and self.said[one.first - 1].kind in _PEOPLE]
        return len(anchored) > 1 and len(after) == 1 and after[0] is block

    def _is_whole(self, block: _Block) -> bool:
        """ "Full Address" beside the property's own street is that again."""
        lines = [*block.lines.values(), *([] if block.whole is None else [block.whole])]
        return any(_WHOLE_LINE.search(self.columns[index]) for index in lines)

    def _same_house(self, parts: _Block, line: _Block) -> bool:
        """Whether the rows at hand have one house in both; not, where there are no rows to tell."""
        if "house" not in parts.kinds or not self.samples:
            return False
        street = line.line if line.line is not None else line.kinds.get("street", 0)
        pairs = [
            (one.strip().removesuffix(".0").lstrip("0"), whole.strip().lstrip("0"))
            for one, whole in zip(self._cells(parts.kinds["house"]), self._cells(street), strict=True)
            if one.strip() and whole.strip()
        ]
        return bool(pairs) and all(whole.split(None, 1)[:1] == [one] for one, whole in pairs)

    # --- City, state and ZIP alone ------------------------------------------------------------------------------------

    def _place_loose(self, block: _Block) -> None:
        places = {kind: index for kind, index in block.kinds.items() if kind in PLACE}
        for kind, index in block.kinds.items():
            if kind not in PLACE and not (self.named_street and kind in _PARTS):
                self._give(PROPERTY, index)
        for number, index in sorted(block.lines.items()):
            self._place_further_line(number, index)
        if not places:
            return
        beside = PROPERTY if self._is_beside_the_parcel(places) else self._beside(min(places.values()), places)
        if beside == OTHER or (beside == PROPERTY and self._may_be_another_s(places)):
            self.doubted += places.values()
        elif beside:
            for index in places.values():
                self._give(beside, index)

    def _place_further_line(self, number: int, index: int) -> None:
        """ "Address 2" is of the address before it, where that has no such line."""
        before = [self.sides[at] for at in sorted(self.sides, reverse=True) if at < index]
        if before and before[0] != OTHER and self.of[before[0]].has_line and number not in self.of[before[0]].lines:
            self._give(before[0], index)

    def _is_beside_the_parcel(self, places: Mapping[str, int]) -> bool:
        """Whether they stand with APN, FIPS or county and behind no address: APN, County, State, Owner …

        Of more than the state only where the owner's city is told elsewhere.
        """
        if places.keys() != {"state"} and "city" not in self.of[MAILING].places:
            return False
        first, last = min(places.values()), max(places.values())
        while first and self.said[first - 1].kind in _PARCEL:
            first -= 1
        while last + 1 < len(self.said) and self.said[last + 1].kind in _PARCEL:
            last += 1
        return last - first + 1 > len(places) and not (first and self.said[first - 1].kind in _OF_ADDRESS)

    def _is_not_beside_the_owner_s(self, block: _Block) -> bool:
        places = {kind: index for kind, index in block.kinds.items() if kind in PLACE}
        return not places or self._beside(min(places.values()), places) != MAILING

    def _beside(self, first: int, places: Mapping[str, int]) -> str:
        """The side of the nearest address that lacks these places; before them if there is one, else behind."""
        before = [self._at(index) for index in sorted(self.sides, reverse=True) if index < first]
        behind = [self._at(index) for index in sorted(self.sides) if index > first]
        if first and self.said[first - 1].kind in _PEOPLE and self.of[PROPERTY].places >= {"city"}:
            before.insert(0, (MAILING, ""))
        for side, whose in dict.fromkeys((*before, *behind)):
            block = self.others[whose] if side == OTHER else self.of[side]
            if not places.keys() & block.kinds.keys():
                return side
        return "" if before or behind else PROPERTY

    def _at(self, index: int) -> tuple[str, str]:
        """The side of a column, and of an address of others its words."""
        return self.sides[index], self.said[index].whose

    def _may_be_another_s(self, places: Mapping[str, int]) -> bool:
        """Whether a city beside the property's named street may be the owner's: nothing else says where she lives."""
        house, owner = self.of[PROPERTY], self.of[MAILING]
        named = house.places or owner.places
        people = any(one.kind in _PEOPLE or one.kind == "email" for one in self.said) or owner.has_line
        if not self.named_street or named or not people:
            return False
        if self.situs:
            return True
        self.presumed += places.values()
        return False

    # --- The fields ---------------------------------------------------------------------------------------------------

    def _fields(self, block: _Block) -> dict[str, int]:
        """{field of the property's address: column}."""
        kinds = dict(block.kinds)
        lines = [index for _, index in sorted(block.lines.items())]
        if block.whole is not None and 1 not in block.lines:
            lines.insert(0, block.whole)
        building, street = kinds.pop("building", None), kinds.pop("street", None)
        if street is not None and "house" in kinds and "streetName" not in kinds and not lines:
            kinds["streetName"] = street
        elif street is not None and "streetName" not in kinds:
            lines = self._surest_line(lines, street)
        self._take_places(lines, kinds)
        if lines:
            kinds = {kind: index for kind, index in kinds.items() if kind not in _PARTS or kind == "house"}
            kinds["address"] = lines[0]
        if len(lines) > 1:
            kinds["address2"] = lines[1]
        if building is not None:
            kinds.setdefault("address2" if "unit" in kinds else "unit", building)
        return {name: kinds[name] for name in (*STREET, *PLACE) if name in kinds}

    def _surest_line(self, lines: list[int], street: int) -> list[int]:
        """A column called "street" beside one called "address": the one that begins with a number in more rows."""
        if not lines:
            return [street]
        counts = [sum(bool(re.match(r"\s*(?:\d|P\.?\s?O\.?\s)", cell)) for cell in self._cells(n))
                  for n in (lines[0], street)]  # fmt: skip
        return [street] if counts[1] > counts[0] else lines

    def _take_places(self, lines: list[int], kinds: dict[str, int]) -> None:
        """Of an address in three lines the later two may be its city and its ZIP: the rows at hand tell."""
        if len(lines) < 3 or kinds.keys() & {"city", "zip", "cityStateZip"}:
            del lines[2:]
            return
        if self._has_towns(lines[2]):
            kinds["cityStateZip"] = lines.pop(2)
            return
        last = [cell.strip() for cell in self._cells(lines[2]) if cell.strip()]
        town = [cell.strip() for cell in self._cells(lines[1]) if cell.strip()]
        if last and all(re.fullmatch(r"\d{5}(-?\d{4})?", cell) for cell in last):
            kinds["zip"] = lines[2]
            if town and not any(re.search(r"\d", cell) for cell in town):
                kinds["city"] = lines[1]
        del lines[1:]

    def _has_towns(self, index: int) -> bool:
        cells = [cell.strip() for cell in self._cells(index) if cell.strip()]
        return bool(cells) and 2 * sum(bool(_TOWN.fullmatch(cell)) for cell in cells) > len(cells)

    def _cells(self, index: int) -> Sequence[str]:
        return self.samples[index] if index < len(self.samples) else ()


def _blocks(said: Iterable[Called]) -> Iterable[_Block]:
    """The columns that do not say whose address they are part of, as they stand side by side.

    A second street line, or a second column of one kind, begins another block; so does a street line after the parts of
    a street.
    """
    block = _Block()
    for index, one in enumerate(said):
        if one.side or one.kind not in _OF_ADDRESS:
            if block.first >= 0 and one.kind != "county":
                yield block
                block = _Block()
            continue
        if one.whole:
            again = line_again = block.whole is not None or block.has_parts
        else:
            again = one.kind in block.kinds if one.kind != "address" else one.number in block.lines or block.has_parts
            line_again = one.kind == "address" and one.number == 1 and block.has_line and block.line != block.whole
        if block.first >= 0 and (again or line_again):
            yield block
            block = _Block()
        block.add(one, index)
    if block.first >= 0:
        yield block
