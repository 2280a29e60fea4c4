"""The servers of the lab: one root filesystem, built once with debootstrap, or those of the host.

``CCM_LAB_SUITE`` chooses another Debian suite (bullseye has Asterisk 16), ``CCM_LAB_ASTERISK`` an
Asterisk that is installed here (with SIPp from the host), ``CCM_LAB_HOME`` where roots are kept,
``CCM_LAB_MIRROR`` the Debian mirror (debootstrap's own if not set). Nothing is installed on the
host but debootstrap.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

DEFAULT_SUITE = "sid"
PACKAGES = ("asterisk", "sip-tester")
MAIL_PACKAGES = ("dovecot-imapd", "dovecot-lmtpd", "postfix")
"""In the root of the default suite alone: one Dovecot and one Postfix do for every Asterisk."""
OLD_LAYOUT = ("buster", "bullseye")
"""Suites that debootstrap should build with /bin apart from /usr/bin, as Debian itself had it."""
RECIPE_VERSION = "1"
BUILD_TIMEOUT = 1800
SECONDS_BETWEEN_SIGNS = 15

LAUNCH = Path(__file__).with_name("launch.py")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Servers:
    """Where Asterisk and SIPp are, and how to run them.

    ``root`` is None for the host's own. ``instances`` is where directories of single PBXs go, as
    the host sees it.
    """

    root: Path | None
    asterisk: str
    sipp: str
    instances: Path

    def inside(self, path: Path) -> str:
        """``path`` as the servers see it."""
        return str(path) if self.root is None else "/" + str(path.relative_to(self.root))

    @property
    def owner(self) -> tuple[int, int] | None:
        """User and group id the servers run as, where that differs from ours."""
        if os.geteuid() != 0:
            return None
        if self.root is None:
            try:
                entry = pwd.getpwnam("asterisk")
            except KeyError:
                return None
            return entry.pw_uid, entry.pw_gid
        for line in (self.root / "etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[0] == "asterisk":
                return int(fields[2]), int(fields[3])
        raise LabError(f"{self.root} has no user asterisk; remove that directory and try again.")

    def command(self, program: str, *arguments: str, as_root: bool = False) -> list[str]:
        """The command line for ``program`` that runs it as its user and dies with this process.

        ``as_root`` is for those that change to their users by themselves.
        """
        user, group = (None if as_root else self.owner) or ("-", "-")
        parts = [os.getpid(), self.root or "-", user, group, program, *arguments]
        return [sys.executable, "-I", "-S", str(LAUNCH), *map(str, parts)]


def servers(say: Say) -> Servers:
    """The servers the environment asks for; builds them when they are missing, telling ``say``.

    Raises LabError with one sentence when they can't be had.
    """
    own = os.environ.get("CCM_LAB_ASTERISK")
    if own:
        return _host_servers(own)
    return _built_servers(os.environ.get("CCM_LAB_SUITE") or DEFAULT_SUITE, say)


def mail_servers(say: Say) -> Servers:
    """Where Dovecot and Postfix are: the default suite's root, whichever Asterisk is asked for."""
    return _built_servers(DEFAULT_SUITE, say)


def home() -> Path:
    """The directory in which roots are kept, outside of the source tree."""
    chosen = os.environ.get("CCM_LAB_HOME")
    if chosen:
        return Path(chosen).absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache).absolute() / "ccmiddleware" / "lab"


def _host_servers(asterisk: str) -> Servers:
    found = shutil.which(asterisk)
    if found is None:
        raise LabError(f"CCM_LAB_ASTERISK is {asterisk}, which is no program on this host.")
    sipp = shutil.which("sipp")
    if sipp is None:
        raise LabError(
            "CCM_LAB_ASTERISK is set, and SIPp is not installed: apt-get install sip-tester."
        )
    # Not in a home directory: Asterisk's own user must be able to reach it.
    instances = Path(tempfile.gettempdir()) / f"ccm-lab-{os.geteuid()}"
    instances.mkdir(mode=0o755, exist_ok=True)
    if instances.stat().st_uid != os.geteuid():
        raise LabError(f"{instances} belongs to somebody else; remove it and try again.")
    return Servers(None, found, sipp, instances)


@dataclass(frozen=True)
class _Recipe:
    suite: str
    mirror: str | None
    """None is debootstrap's own default."""

    @property
    def options(self) -> list[str]:
        layout = ["--no-merged-usr"] if self.suite in OLD_LAYOUT else []
        packages = PACKAGES + (MAIL_PACKAGES if self.suite == DEFAULT_SUITE else ())
        return ["--variant=minbase", f"--include={','.join(packages)}", *layout]

    @property
    def name(self) -> str:
        text = "\n".join([RECIPE_VERSION, self.suite, self.mirror or "", *self.options])
        return f"{self.suite}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _built_servers(suite: str, say: Say) -> Servers:
    recipe = _Recipe(suite, os.environ.get("CCM_LAB_MIRROR") or None)
    if os.geteuid() != 0:
        raise LabError(
            "The lab runs its servers in a root of their own, which needs root: run this as root, "
            "or set CCM_LAB_ASTERISK to an Asterisk that is installed here."
        )
    root = home() / recipe.name
    if not root.is_dir():
        with _only_one_builder(say):
            if not root.is_dir():  # the builder that we waited for may have made it
                _build(recipe, root, say)
    return Servers(root, "/usr/sbin/asterisk", "/usr/bin/sipp", root / "srv" / "lab")


@contextlib.contextmanager
def _only_one_builder(say: Say) -> Iterator[None]:
    try:
        home().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"The lab can't be kept in {home()}: {error}; set CCM_LAB_HOME.") from None
    with (home() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is building the lab's servers; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(recipe: _Recipe, root: Path, say: Say) -> None:
    for left in home().glob("building-*"):
        _remove(left)
    building = home() / f"building-{recipe.name}"
    log = home() / f"{recipe.name}.log"
    begun = time.monotonic()
    say(f"building the lab's servers from Debian {recipe.suite} (once; 600 MB in {root})")
    try:
        _debootstrap(recipe, building, log, say)
        _finish(building)
        building.rename(root)  # a root with its final name is complete
    except BaseException:
        _remove(building)
        raise
    say(f"built the lab's servers in {time.monotonic() - begun:.0f} s")


def _debootstrap(recipe: _Recipe, building: Path, log: Path, say: Say) -> None:
    debootstrap = shutil.which("debootstrap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if debootstrap is None:
        raise LabError(
            "debootstrap is missing, which builds the lab's servers: apt-get install debootstrap."
        )
    mirror = [recipe.mirror] if recipe.mirror else []
    command = [debootstrap, *recipe.options, recipe.suite, str(building), *mirror]
    # Where namespaces may be made, what debootstrap mounts and starts ends with it, even killed.
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"]
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        apart = []
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "--", *apart, *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
        try:
            _watch(process, log, say)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(10)
    if process.returncode:
        words = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise LabError(
            f"The lab's servers could not be built from {recipe.mirror or 'the Debian mirror'} "
            f"(is it reachable from here? CCM_LAB_MIRROR names another): "
            f"{words[-1] if words else 'no output'} "
            f"(all of it is in {log})."
        )


def _watch(process: "subprocess.Popen[bytes]", log: Path, say: Say) -> None:
    for _ in range(BUILD_TIMEOUT // SECONDS_BETWEEN_SIGNS):
        try:
            process.wait(SECONDS_BETWEEN_SIGNS)
        except subprocess.TimeoutExpired:
            lines = log.read_text(errors="replace").splitlines()
            say(f"  … {lines[-1] if lines else 'begun'}")
        else:
            return
    raise LabError(f"The lab's servers were not built in {BUILD_TIMEOUT} s; see {log}.")


def _finish(building: Path) -> None:
    """What debootstrap leaves that isn't needed, and the place for instances."""
    for package in (building / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()
    shutil.rmtree(building / "usr/share/doc", ignore_errors=True)
    (building / "srv" / "lab").mkdir(parents=True, exist_ok=True)
    building.chmod(0o755)
    for program in ("usr/sbin/asterisk", "usr/bin/sipp"):
        if not (building / program).exists():
            raise LabError(f"The root that debootstrap built has no /{program}; nothing was kept.")


def _remove(directory: Path) -> None:
    if not directory.exists():
        return
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    inside = [mount for line in mounts if (mount := line.split()[1]).startswith(f"{directory}/")]
    for mount in sorted(inside, reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)
