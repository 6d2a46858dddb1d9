"""`make chaos`: every scenario, or those named, a line each. QUICK=1 makes them smaller.

LENT="DATABASE_URL REDIS_URL": on these servers, for scenarios that do them no harm, with a migrated, empty database.
"""

from __future__ import annotations

import os
import sys
import traceback

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DEBUG": "1",
    "SECRET_KEY": "only-for-chaos-0123456789-abcdefghijklmnopqrstuvwxyz",
    "CONTACT_KEY_SECRETS": "only-for-chaos-keys-0123456789-abcdefghijklmnopqrstuvwxyz",
    # Leases by a shortened clock: 2 x (1 + 3) + 1 = 9 s for a call, 5 s for a pump.
    "VENDOR_CONNECT_TIMEOUT": "1",
    "VENDOR_READ_TIMEOUT": "3",
    "VENDOR_DEADLINE": "3",
    "CALL_GRACE_SECONDS": "1",
    "PUMP_LEASE_SECONDS": "5",
    "PUMP_SECONDS": "10",
    "DATABASE_IDLE_SECONDS": "5",
    "BATCH_PROPERTY_DETAIL": "20",
    "BATCH_SKIP_TRACE": "10",
    "THROTTLE_USER": "1000000/min",  # the harness asks far more often than a person
    "LOG_LEVEL": "INFO",
}


def main(names: list[str]) -> int:
    from devtools.mode import ADDRESSES, APART
    from devtools.process import LocalError
    from devtools.servers import LOCAL, Servers, remove_abandoned
    from tests.devtools.lent import Lent

    remove_abandoned(LOCAL, "chaos-*")
    home = LOCAL / f"chaos-{os.getpid()}"
    lent = dict(zip(ADDRESSES, os.environ.get("LENT", "").split(), strict=False))
    servers = Lent(home, lent) if lent else Servers(home).start()
    try:
        os.environ.update(ENVIRONMENT | APART)
        os.environ.update(DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url)
        import django

        django.setup()
        from tests.chaos.scenarios import SCENARIOS, run

        unknown = [name for name in names if name not in SCENARIOS]
        if unknown:
            print(f"There is no scenario {', '.join(unknown)}: only {', '.join(SCENARIOS)}.", file=sys.stderr)
            return 2
        quick, one_stack = (os.environ.get(name, "") not in ("", "0") for name in ("QUICK", "ONE_STACK"))
        wrong = run(servers, names or list(SCENARIOS), quick=quick, one_stack=one_stack)
        if not wrong:
            servers.remove()  # after a failure logs and data stay until the next start, to look at
    except (LocalError, KeyboardInterrupt):
        traceback.print_exc()
        return 1
    finally:
        servers.stop()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
