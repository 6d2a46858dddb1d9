"""Debian's Chromium without a window, for page tests and screenshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

# The first is the same engine without the program's own windows, menus and start pages: a page costs a third less.
INSTALLED = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
CHROMIUM = next((program for program in INSTALLED if program.exists()), INSTALLED[0])
MISSING = f"there is no {CHROMIUM}: apt-get install {CHROMIUM.name}"
ARGUMENTS = (
    "--no-sandbox",  # a container's root cannot have one
    "--disable-gpu",
    "--renderer-process-limit=1",  # pages are this product's alone: a process for each is only its start
    "--process-per-site",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",  # the network block of pages
)


def launch(playwright: Playwright) -> Browser:
    """It reaches this machine and nothing else."""
    return playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
