"""Production's settings with the campaigns' clock set, which else only development may: it is noon on a Tuesday
whenever the dialer is measured.
"""

from __future__ import annotations

from benchmarks.callers import OPENS
from config.settings import *  # noqa: F403  # as a module of settings is made from another

CAMPAIGN_CLOCK = (OPENS, 1)
