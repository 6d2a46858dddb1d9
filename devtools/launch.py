"""Becomes a program that cannot outlive the process that asked for it and, where asked, does not run as root.

Run by its file name with `python -I -S`: it must not import the project, only prepare this process and exec.
`launch.py PARENT SIGNAL UID GID KEEP PROGRAM ARGUMENTS…`; UID and GID are -1 to stay who we are. With KEEP 1 the new
user keeps the capability to pass through directories that only root may enter: PostgreSQL refuses to be root, and a
checkout may stand under a root-only directory whose permissions are not ours to widen.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Linux, include/uapi/linux/prctl.h, securebits.h and capability.h
PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 28, 47, 2
SECBIT_NO_SETUID_FIXUP = 4  # a change of user keeps capabilities, and access() counts them, which initdb asks
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int, signum: int) -> None:
    """Asks Linux to send `signum` to this process when its parent ends. Elsewhere, and for 0, nothing happens."""
    if sys.platform != "linux" or not signum:
        return
    libc().prctl(PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(f"the process {parent} that asked for this one is gone")


def become(uid: int, gid: int, *, keep_access: bool) -> None:
    """Gives up root for good. Raises OSError where the system refuses."""
    clib = libc()
    refused = OSError(0, "this system does not let an unprivileged user keep CAP_DAC_OVERRIDE")
    if keep_access and clib.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0):
        raise refused
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep_access:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        mask = 1 << CAP_DAC_OVERRIDE
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)  # effective, permitted, inheritable; twice 32 bits
        if clib.capset(header, sets) or clib.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0):
            raise refused


def main(arguments: list[str]) -> None:
    parent, signum, uid, gid, keep = (int(a) for a in arguments[:5])
    program = arguments[5:]
    if uid != -1:
        become(uid, gid, keep_access=bool(keep))
        os.umask(0o077)
    die_with_parent(parent, signum)  # last: a change of user clears it
    os.execvp(program[0], program)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"{sys.argv[6]} cannot be started: {error}")
