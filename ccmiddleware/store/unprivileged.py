"""A script that gives up root, ties its life to its parent and becomes another program.

    python -I -S unprivileged.py UID GID PARENT_PID PROGRAM [ARGUMENT ...]

It stands between the daemon and Postgres because neither a fork with Python code after it (unsafe
beside threads) nor ``subprocess`` alone can do both. The program gets SIGINT when the thread that
started this script ends, however it ends; for Postgres that is the fast shutdown. Exit status 126
means that PROGRAM can't be reached or run by that user. It imports nothing of ccmiddleware, so that
it also runs where only root can read the package.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal sent to this process when its parent dies; kept over execve(2)."""

CANNOT_RUN = 126


def main(argv: list[str]) -> int:
    uid, gid, parent = (int(number) for number in argv[1:4])
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    # Only after setuid: changing credentials clears the death signal.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        return 0
    try:
        os.execv(argv[4], argv[4:])  # noqa: S606 - the whole purpose, and without a shell
    except OSError as error:
        print(f"{argv[4]}: {error.strerror}", file=sys.stderr)
        return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(sys.argv))
