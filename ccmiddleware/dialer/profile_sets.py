"""The profiles that there are: those of the package, and an operator's own in a directory.

Which directory that is stands in ``profile_directory``. A file is read again when it has changed.
What a profile may say is decided in ``profile_files``.
"""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from ccmiddleware.dialer.profile_directory import OWN, OwnProfiles
from ccmiddleware.dialer.profile_files import BUILTIN, builtin, line_of, parse_profile
from ccmiddleware.dialer.profiles import InvalidProfile, Profile
from ccmiddleware.dialer.values import TRUNK

LARGEST = 1_000_000
"""Bytes of a file."""

KNOWN_LAW = {"US": "us-ftc", "GB": "uk-ofcom"}
"""Countries whose law the package has: a profile for them builds on it, so that it is no looser."""


@dataclass(frozen=True)
class Found:
    """A profile that there is, or a file that is none: then ``problems`` say why."""

    name: str
    path: Path | None
    """None: of the package."""
    profile: Profile | None = None
    problems: tuple[str, ...] = ()


class ProfileSet:
    """All profiles; the directory of ``own`` has those of the operator, one in each NAME.toml."""

    def __init__(self, own: OwnProfiles) -> None:
        self._own_ones = own
        self._read: dict[Path, tuple[bytes, Profile]] = {}

    @property
    def directory(self) -> Path | None:
        """Where the operator's own are."""
        return self._own_ones.directory

    def named(self, name: str) -> Profile:
        """The profile of that name. Raises InvalidProfile, with file, line and key."""
        if name in BUILTIN:
            return builtin(name)
        if self.directory is None:
            raise InvalidProfile(
                name,
                [f"there is no such profile; there are {', '.join(BUILTIN)}, and your own where "
                 "[dialing] profiles of ccm.toml names their directory"],
            )  # fmt: skip
        path = self.directory / f"{name}.toml"
        if TRUNK.fullmatch(name) is None or not path.is_file():
            names = sorted({*BUILTIN, *(one.stem for one in self._files())})
            raise InvalidProfile(
                name,
                [f"there is no such profile: neither of the package nor {path}; there are "
                 f"{', '.join(names)}"],
            )  # fmt: skip
        return self._own(path)

    def all(self) -> list[Found]:
        """Every profile, and every file that is meant to be one. Raises InvalidProfile when the
        directory can't be read."""
        found = [Found(name, None, builtin(name)) for name in BUILTIN]
        for path in self._files():
            try:
                if path.stem in BUILTIN:
                    raise InvalidProfile(
                        path.stem,
                        [f"{path}: has the name of a profile of the package; choose another"],
                    )
                if TRUNK.fullmatch(path.stem) is None:
                    raise InvalidProfile(
                        path.stem, [f"{path}: a name is letters, digits and _ . -, at most 40"]
                    )
                found.append(Found(path.stem, path, self._own(path)))
            except InvalidProfile as error:
                found.append(Found(path.stem, path, None, tuple(error.problems)))
        return found

    def _files(self) -> list[Path]:
        if self.directory is None:
            return []
        try:
            return sorted(path for path in self.directory.iterdir() if path.suffix == ".toml")
        except OSError as error:
            raise InvalidProfile(
                "", [f"{self.directory} ([dialing] profiles) can't be read: {error.strerror}"]
            ) from None

    def _own(self, path: Path) -> Profile:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except OSError as error:
            raise InvalidProfile(path.stem, [f"{path}: can't be read: {error.strerror}"]) from None
        known = self._read.get(path)
        if known is None or known[0] != content:
            known = self._read[path] = (content, _parsed(path, content))
        return known[1]


def _parsed(path: Path, content: bytes) -> Profile:
    if len(content) > LARGEST:
        raise InvalidProfile(path.stem, [f"{path}: is larger than {LARGEST} bytes"])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidProfile(path.stem, [f"{path}:{line}: is no UTF-8"]) from None
    try:
        profile = parse_profile(text, path.stem)
    except InvalidProfile as error:
        raise InvalidProfile(
            path.stem, [_placed(path, text, problem) for problem in error.problems]
        ) from None
    # The version is what somebody wrote; which text held is told by its hash in each permit.
    return replace(profile, version=f"{profile.version} ({sha256(content).hexdigest()[:8]})")


def _placed(path: Path, text: str, problem: str) -> str:
    """A problem with its file and line."""
    line = line_of(text, problem)
    return f"{path}:{line}: {problem}" if line else f"{path}: {problem}"


PROFILES = ProfileSet(OWN)
"""Those of this process."""
