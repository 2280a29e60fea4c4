"""Loopback addresses that belong to one process at a time.

All of 127.0.0.0/8 is local on Linux. Every server and every phone gets an address of its own, so
that ports never have to be searched and labs that run at the same time don't meet. An address is
claimed by a UDP socket bound to it; the kernel frees it when the process ends, however it ends. One
on which a server still listens, left by a lab that was killed, is not free.
"""

import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError

SERVERS = "127.0.1"
PHONES = "127.0.2"
TRUNK = "127.0.3"
CLAIM_PORT = 15999
_LISTENS = "0A"
"""TCP_LISTEN, as /proc/net/tcp has it."""


@dataclass(frozen=True)
class Address:
    """One claimed address. ``release`` gives it back; so does the end of the process."""

    ip: str
    _claim: socket.socket = field(repr=False, compare=False)

    def release(self) -> None:
        """Give the address back."""
        self._claim.close()


def claim(network: str) -> Address:
    """Claim a free address of ``network`` (three octets). Raises LabError when none is left."""
    taken = _listened_on()
    for host in range(1, 255):
        ip = f"{network}.{host}"
        if ip in taken:
            continue
        claim_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim_socket.bind((ip, CLAIM_PORT))
        except OSError:
            claim_socket.close()
            continue
        return Address(ip, claim_socket)
    raise LabError(
        f"No free loopback address in {network}.0/24 for the lab: end other labs that are running."
    )


def _listened_on() -> set[str]:
    """Addresses on which somebody listens for TCP connections (proc_pid_net(5))."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        if state == _LISTENS:
            octets = bytes.fromhex(local.partition(":")[0])
            found.add(socket.inet_ntoa(octets[::-1] if sys.byteorder == "little" else octets))
    return found
