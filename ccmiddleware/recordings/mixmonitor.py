"""How Asterisk is asked to record: the fields of its actions, and the files they make. Pure.

Options of MixMonitor that are used, as Asterisk 16 and 22 were seen to heed them:

- ``a``: go on at the end of a file that is there. Nothing that was recorded is ever truncated, and
  the parts of a talk that is recorded on demand follow each other in one file.
- ``i``: give back the id by which this recording, and not another one of the channel, is stopped.
- ``r``, ``t``: a file for what comes from the channel, and one for what goes to it. With ``S`` both
  are kept in step by silence; from 22 on that is so anyway, and the option only fills the log.
- ``B``: a beep so often, in seconds.
"""

from pathlib import PurePosixPath

ID_VARIABLE = "CCM_MONITOR"
"""Variable of the channel into which MixMonitor puts the id, without which it does not tell it."""

ALWAYS_IN_STEP = 22
"""First major version known to keep the two files in step without being asked."""

Fields = dict[str, str]


def sides(path: str) -> tuple[str, str]:
    """The two files of a stereo recording: the customer's (left) and the agent's (right)."""
    whole = PurePosixPath(path)
    left, right = (
        str(whole.with_name(f"{whole.stem}.{side}{whole.suffix}")) for side in ("left", "right")
    )
    return left, right


def start(
    channel: str,
    file: str,
    *,
    stereo: bool,
    customers: bool,
    beep_seconds: int = 0,
    version: str = "",
) -> Fields:
    """MixMonitor. ``customers``: the channel is the customer's, else the agent's.

    ``version`` is Asterisk's, "" while it is not known.
    """
    options = f"ai({ID_VARIABLE})"
    if beep_seconds:
        options += f"B({beep_seconds})"
    if not stereo:
        return {"Channel": channel, "File": file, "Options": options}
    left, right = sides(file)
    received, sent = (left, right) if customers else (right, left)
    if not _in_step(version):
        options += "S"
    return {"Channel": channel, "File": "", "Options": f"{options}r({received})t({sent})"}


def mute(channel: str, *, on: bool) -> Fields:
    """MixMonitorMute: silence in both directions, or sound again.

    Without an id, so that Asterisk silences every MixMonitor of the channel: a pause that silences
    one of two recordings is none. Asterisk 16 knows no id, and silences the first one alone.
    """
    return {"Channel": channel, "Direction": "both", "State": "1" if on else "0"}


def stop(channel: str, monitor: str) -> Fields:
    """StopMixMonitor. ``monitor``: the id; without it Asterisk stops the first of the channel."""
    return {"Channel": channel, **({"MixMonitorID": monitor} if monitor else {})}


def _in_step(version: str) -> bool:
    major = version.partition(".")[0]
    return major.isdecimal() and int(major) >= ALWAYS_IN_STEP
