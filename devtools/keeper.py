"""Holds one shared server of this checkout as long as any process uses it: `python -m devtools.keeper KIND HOME`.

Started by `servers.Share`, which says how the locks work together. Nobody needs to stop it by hand.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

from devtools.process import LocalError
from devtools.servers import MAKERS, Share

LOOK_SECONDS = 0.5  # how soon a server stops after the last user was killed; others stop it at once


def main(kind: str, home: Path) -> None:
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: stop.set())
    share = Share(home, kind)
    if not share.keeper.take(wait=False):
        return  # somebody was faster
    (home / "keeper.pid").write_text(str(os.getpid()))
    server = MAKERS[kind](home)
    try:
        server.start()
        new = home / "url.new"
        new.touch(mode=0o600)
        new.write_text(server.url)
        new.rename(share.address)
        while not stop.wait(LOOK_SECONDS):
            if server.process is None or server.process.poll() is not None:
                raise LocalError(f"the local {kind} died")
            if share.users.take(wait=False):
                break
    finally:
        share.address.unlink(missing_ok=True)
        server.clean_up()


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except LocalError as error:
        sys.exit(str(error))
