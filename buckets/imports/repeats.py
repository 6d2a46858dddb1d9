"""Rows of one file that are one property, as the import will find them: by their names. Pure: no query."""

from __future__ import annotations

from buckets.imports.rows import Lead
from leads.facts.matching import Known, Register

COMPARED = 50_000  # rows whose names are kept, about 100 MB; later ones are compared with these and by their ids


class Repeats:
    """count: rows whose property an earlier row names too. unsure: see `Register`."""

    def __init__(self) -> None:
        self.count = 0
        self._register = Register()
        self._rows = 0
        self._later: set[str] = set()

    @property
    def unsure(self) -> int:
        return self._register.unsure

    def add(self, lead: Lead) -> None:
        """The next row; one that has another property's stand-in is called by the next of its names."""
        register, called = self._register, lead.property_id
        if (known := register.find(called, lead.names, lead.facts)) is not None or called in self._later:
            self.count += 1
            if known is not None:
                register.call(known, lead.names, lead.facts)
            return
        if called in register.by_id:
            called = register.free_id(lead.names, lead.facts)
            if not called:
                self.count += 1
                return
        self._rows += 1
        if self._rows > COMPARED:
            self._later.add(called)
            return
        register.add(
            Known.of_row("", called, lead.facts), [(name.exact, name.possible, name.bare) for name in lead.names]
        )
