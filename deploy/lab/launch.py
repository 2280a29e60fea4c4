"""Becomes a server: enters its root and its user, and asks to be killed when the lab dies.

Run as a program: launch.py PARENT ROOT USER GROUP PROGRAM ARGUMENT…, with "-" for what stays as it
is. setpriv(1) inside the root would do the same, but that of old suites wants /proc to be mounted.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Never returns."""
    parent, root, user, group, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if root != "-":
        os.chroot(root)
        os.chdir("/")
    if user != "-":
        os.setgroups([])
        os.setgid(int(group))
        os.setuid(int(user))
    # After the change of user, which clears it (prctl(2)).
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(parent):
        sys.exit("the lab has ended")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


main()
