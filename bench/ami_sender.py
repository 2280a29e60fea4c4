"""A process that plays Asterisk's manager interface: lets a client in and sends it a prepared file.

    python ami_sender.py FILE PACE

Prints its port and then serves one client after another. Any user may log in. The action UserEvent
is the client's sign to begin: it is answered when the whole file has been sent, so that the answer
stands behind the last event. PACE is in events a second; 0 is as fast as the client reads, which
costs this process next to nothing. Asked for lists, it says that there is nothing in them.
"""

import socket
import sys
import time
from pathlib import Path
from typing import BinaryIO

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 9\r\nStatus: Fully Booted\r\n\r\n"
ANSWERS = {
    "Challenge": b"Challenge: 840415273\r\n",
    "CoreSettings": b"AMIversion: 11.0.0\r\nAsteriskVersion: 22.0.0-recorded\r\n",
    "Ping": b"Ping: Pong\r\n",
}
END = b"\r\n\r\n"
AT_ONCE = 4
"""Events of one moment; Asterisk writes them one by one, and a busy reader finds some together."""

LISTS = {"QueueStatus": b"QueueStatusComplete", "CoreShowChannels": b"CoreShowChannelsComplete"}


def main(path: Path, pace: int) -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            client, _ = server.accept()
            with client, client.makefile("rb") as lines, path.open("rb") as stream:
                try:
                    serve(client, lines, stream, pace)
                except ConnectionError:
                    continue  # a client may leave without a word


def serve(client: socket.socket, lines: BinaryIO, stream: BinaryIO, pace: int) -> None:
    """One client, from the banner to its leave."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(BANNER)
    while action := read_action(lines):
        name = action.get("Action", "")
        action_id = action.get("ActionID", "").encode()
        if name == "UserEvent" and pace:
            send_slowly(client, stream.read(), pace)
        elif name == "UserEvent":
            client.sendfile(stream)
        told = b"ActionID: " + action_id + b"\r\n"
        client.sendall(b"Response: Success\r\n" + told + ANSWERS.get(name, b"") + b"\r\n")
        if name == "Login":
            client.sendall(BOOTED)
        elif name in LISTS:
            client.sendall(
                b"Event: " + LISTS[name] + b"\r\n" + told + b"EventList: Complete\r\n"
                b"ListItems: 0\r\n\r\n"
            )
        elif name == "Logoff":
            return


def send_slowly(client: socket.socket, data: bytes, pace: int) -> None:
    """Send ``pace`` events a second, AT_ONCE in one piece."""
    frames = [frame + END for frame in data.split(END) if frame]
    due = time.monotonic()
    for first in range(0, len(frames), AT_ONCE):
        client.sendall(b"".join(frames[first : first + AT_ONCE]))
        due += AT_ONCE / pace
        time.sleep(max(0.0, due - time.monotonic()))


def read_action(lines: BinaryIO) -> dict[str, str]:
    """The headers of the next action; none when the client has gone."""
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name:
            headers[name] = value
        elif headers:
            return headers
    return {}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
