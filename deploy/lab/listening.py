"""What the lab's phones hear: the sound in the RTP packets that Asterisk sends to them.

A recording made in Asterisk is no witness for this: what is whispered into a channel reaches the
phone and no recording. Needs a raw socket, so it works as root alone, as the lab does.
"""

import socket
import struct
from array import array
from collections import defaultdict
from types import TracebackType
from typing import Self

from lab.audio import RATE, Recorded

IPV4 = 0x0800
UDP = 17
RTP_FIRST_BYTE = 0x80
"""RTP version 2 without padding, extension or further sources; RFC 3550, section 5.1."""
RTP_HEADER = 12
PCMA = 8
"""Payload type of G.711 A-law; RFC 3551, section 6."""
BUFFER = 16 * 1024 * 1024


class Ears:
    """Hears everything on loopback while it is open. ``heard`` tells what one address got."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.bind(("lo", IPV4))
        self._socket.setblocking(False)
        self._heard: dict[str, dict[tuple[int, int], bytes]] = defaultdict(dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def forget(self) -> None:
        """Forget what was heard so far."""
        self._take()
        self._heard.clear()

    def heard(self, ip: str) -> Recorded:
        """All sound that was sent to that address since ``forget``."""
        self._take()
        coded = b"".join(self._heard[ip].values())
        return Recorded(RATE, array("h", (_LINEAR[byte] for byte in coded)))

    def _take(self) -> None:
        while True:
            try:
                packet = self._socket.recv(65535)
            except BlockingIOError:
                return
            self._packet(packet)

    def _packet(self, packet: bytes) -> None:
        header = (packet[0] & 0x0F) * 4
        if packet[9] != UDP:
            return
        rtp = packet[header + 8 :]
        if len(rtp) <= RTP_HEADER or rtp[0] != RTP_FIRST_BYTE or rtp[1] & 0x7F != PCMA:
            return
        sequence, source = struct.unpack_from("!H4xI", rtp, 2)
        # On loopback every packet is seen twice: going out and coming in.
        self._heard[socket.inet_ntoa(packet[16:20])].setdefault(
            (source, sequence), rtp[RTP_HEADER:]
        )


def _linear(byte: int) -> int:
    """A sample of G.711 A-law; ITU-T G.711, table 1a, at 16 bits."""
    byte ^= 0x55
    exponent, mantissa = (byte & 0x70) >> 4, byte & 0x0F
    sample = (mantissa << 4) + 8
    if exponent:
        sample = (sample + 0x100) << (exponent - 1)
    return sample if byte & 0x80 else -sample


_LINEAR = [_linear(byte) for byte in range(256)]
