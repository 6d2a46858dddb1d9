"""Development's mail: a file an e-mail, or the console. Nothing leaves."""

from __future__ import annotations

import sys
from pathlib import Path

from common.values.mail_urls import MailPlace
from integrations.vendors.errors import NotSent
from integrations.vendors.mail.messages import Mail


def send(place: MailPlace, mail: Mail, raw: bytes) -> None:
    """Raises NotSent where the file cannot be written. A repeat writes over its own file."""
    if place.kind == "console":
        sys.stdout.write(raw.decode("ascii", errors="replace").replace("\r\n", "\n") + "\n")
        sys.stdout.flush()
        return
    directory = Path(place.directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        new = directory / f".{mail.token.hex}.new"
        new.write_bytes(raw)
        new.rename(directory / f"{mail.token.hex}.eml")
    except OSError as error:
        raise NotSent(f"The e-mail could not be written to a file: {error.strerror}.") from None
