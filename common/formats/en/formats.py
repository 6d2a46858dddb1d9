"""How Django's own columns and fields write days and times: as `common.dates`, but always with the year."""

from __future__ import annotations

DATE_FORMAT = SHORT_DATE_FORMAT = "M j, Y"
TIME_FORMAT = "g:i A"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "D, M j, Y, g:i A T"
