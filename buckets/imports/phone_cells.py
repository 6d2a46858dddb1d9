"""What a cell says of phones: `common.values.phones`, which searching for a number reads by too."""

from __future__ import annotations

from common.values.phones import Number, phones, says_do_not_call

__all__ = ["Number", "phones", "says_do_not_call"]
