"""Finding parcels: PropertySearch's filters compiled into tests, first on whole groups, then on single parcels."""

import json
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

from sandbox import search_fields as fields
from sandbox.filters import (
    Node,
    boolean,
    bound,
    check_peers,
    compared,
    compared_to,
    date_of,
    exists,
    never,
    parse_address,
    place_test,
    street_part,
    words,
)
from sandbox.geo import circle, polygons
from sandbox.parcels import Parcel, ParcelSource
from sandbox.search_fields import View
from sandbox.wire import Json, Refusal, is_number

LAST_UPDATE = "2026-01-10"  # of every parcel, unless the sandbox was told of another
_CACHED_RESULTS = 16  # a search is paged through; a million indices are 4 MB


class Search:
    """Searches one parcel source."""

    def __init__(self, source: ParcelSource) -> None:
        self.source = source
        self._updated: dict[int, str] = {}
        self._results: OrderedDict[str, Sequence[int]] = OrderedDict()
        self._lock = Lock()

    def updated_on(self, parcel: Parcel) -> str:
        """The day the vendor last changed what it knows of a parcel, YYYY-MM-DD."""
        return self._updated.get(parcel.id, LAST_UPDATE)

    def note_update(self, ids: Iterable[int], day: str) -> None:
        """These parcels were changed on that day, YYYY-MM-DD: what `last_update_date_min` and `_max` go by."""
        with self._lock:
            self._updated.update(dict.fromkeys(ids, day))
            self._results.clear()

    def find(self, body: Json) -> Sequence[int]:
        """The indices of the parcels that match, in the order asked for. Raises Refusal 400."""
        filters = {key: value for key, value in body.items() if key not in fields.CONTROL or key == "sort"}
        key = json.dumps(filters, sort_keys=True)
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return self._results[key]
        result = self._find(filters)
        with self._lock:
            self._results[key] = result
            while len(self._results) > _CACHED_RESULTS:
                self._results.popitem(last=False)
        return result

    def _find(self, filters: Json) -> Sequence[int]:
        order = _sort(filters.pop("sort", None))
        node = self.compile(filters)
        found = self._scan(node)
        if not order:
            return found
        views = [(View(self.source.parcel(index)), index) for index in found]
        for value, reverse in reversed(order):
            views.sort(key=lambda pair: _sortable(value(pair[0]), reverse=reverse), reverse=reverse)
        return array("I", (index for _, index in views))

    def _scan(self, node: Node) -> Sequence[int]:
        parcel = self.source.parcel
        if node.only is not None:
            return [index for index in node.only if node.holds(View(parcel(index)))]
        found = array("I")
        tests = node.tests
        for group in self.source.groups:
            if not node.may_hold(group):
                continue
            if not tests:
                found.extend(group.indices)
                continue
            for index in group.indices:
                view = View(parcel(index))
                for test in tests:
                    if not test(view):
                        break
                else:
                    found.append(index)
        return found

    def compile(self, filters: object, path: str = "") -> Node:
        """The tests of one filter object. Raises Refusal 400."""
        if not isinstance(filters, dict):
            raise Refusal(400, f'"{path or "value"}" must be of type object', [path])
        for key in filters:
            if key not in fields.KNOWN or (path and key in fields.CONTROL):
                raise Refusal(400, f'"{path and path + "."}{key}" is not allowed', [f"{path and path + '.'}{key}"])
        node = Node()
        if not path:
            check_peers(filters)
        for key, value in filters.items():
            self._add(node, key, value, filters)
        return node

    def _add(self, node: Node, key: str, value: object, filters: Json) -> None:
        if key in fields.PLACE:
            node.places.append(place_test(key, value))
        elif key in fields.FLAGS or key in fields.UNANSWERED_FLAGS:
            wanted, flag = boolean(key, value), fields.FLAGS.get(key, never)
            node.tests.append(lambda view: flag(view) is wanted)
        elif key in fields.UPDATED:
            node.tests.append(compared_to(date_of(key, value), key[-4:], lambda view: self.updated_on(view.parcel)))
        elif key[-4:] in ("_min", "_max") and key[:-4] in fields.RANGES:
            node.tests.append(bound(key, value))
        elif key in fields.COMPARED:
            node.tests.append(compared(key, value, filters))
        elif key in fields.COMPOUND:
            self._compound(node, key, value)
        elif key in fields.EXACT:
            self._exact(node, key, value)
        elif key in ("radius", "polygon", "multi_polygon"):
            box, test = circle(filters) if key == "radius" else polygons(key, value)
            node.boxes.append(box)
            node.tests.append(test)
        elif key in fields.UNANSWERED:
            node.tests.append(never)

    def _compound(self, node: Node, key: str, value: object) -> None:
        if key == "exists":
            for wanted in value if isinstance(value, list) else [value]:
                if not isinstance(wanted, dict):
                    raise Refusal(400, '"exists" must be one of [object, array]', ["exists"])
                for name, flag in wanted.items():
                    node.tests.append(exists(name, wanted=bool(flag)))
            return
        if not isinstance(value, list):
            raise Refusal(400, f'"{key}" must be an array', [key])
        parts = [self.compile(part, f"{key}[{index}]") for index, part in enumerate(value)]
        exact = all(part.exact for part in parts)
        if key == "exclude":
            if exact:
                node.places.append(lambda place: not any(part.may_hold(place) for part in parts))
            else:
                node.tests.append(lambda view: not any(part.holds(view) for part in parts))
            return
        combine: Callable[[Iterable[bool]], bool] = all if key == "and" else any
        if exact:
            node.places.append(lambda place: combine(part.may_hold(place) for part in parts))
        else:
            node.boxes.append(lambda group: combine(part.may_hold(group) for part in parts))
            node.tests.append(lambda view: combine(part.holds(view) for part in parts))

    def _exact(self, node: Node, key: str, value: object) -> None:
        if key in ("id", "ids"):
            ids = value if key == "ids" else [value]
            if not isinstance(ids, list) or not all(is_number(one) for one in ids):
                raise Refusal(400, f'"{key}" must be a number', [key])
            wanted = dict.fromkeys(int(one) for one in ids)
            node.tests.append(lambda view: view.parcel.id in wanted)
            node.only = [index for one in wanted if (index := self.source.index_of(one)) is not None]
            return
        if not isinstance(value, str):
            raise Refusal(400, f'"{key}" must be a string', [key])
        if key == "apn":
            indices = set(self.source.by_apn(value))
            node.only = sorted(indices)
            ids = {self.source.parcel(index).id for index in indices}
            node.tests.append(lambda view: view.parcel.id in ids)
        elif key == "property_type":
            if value not in fields.PROPERTY_TYPES:
                raise Refusal(400, f'"property_type" must be one of [{", ".join(fields.PROPERTY_TYPES)}]', [key])
            node.tests.append(lambda view: view.parcel.property_type == value)
        elif key == "address":
            parts = parse_address(value)
            if not parts:
                raise Refusal(400, '"address" must be a fully formatted address', [key])
            node.places += [place_test(name, parts[name]) for name in ("state", "city", "zip") if name in parts]
            whole = words(parts["street"])
            node.tests.append(lambda view: view.parcel.street is not None and words(view.parcel.street) == whole)
        else:
            node.tests.append(street_part(key, words(value)))


def _sort(value: object) -> list[tuple[Callable[[View], Any], bool]]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise Refusal(400, '"sort" must be of type object', ["sort"])
    for name, direction in value.items():
        if name not in fields.SORTS:
            raise Refusal(400, f'"sort.{name}" is not allowed', [f"sort.{name}"])
        if direction not in ("asc", "desc"):
            raise Refusal(400, f'"sort.{name}" must be one of [asc, desc]', [f"sort.{name}"])
    return [(fields.SORTS[name], direction == "desc") for name, direction in value.items()]


def _sortable(value: Any, *, reverse: bool) -> tuple[bool, Any]:
    """Null last in either direction."""
    return ((value is not None) if reverse else (value is None), value if value is not None else 0)
