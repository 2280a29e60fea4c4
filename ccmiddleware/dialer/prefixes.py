"""Whether a number begins with one of many beginnings. Pure."""

from collections.abc import Iterable


class Prefixes:
    """Beginnings of numbers, by length, so that looking one up does not depend on how many."""

    def __init__(self, beginnings: Iterable[str]) -> None:
        self._by_length: dict[int, set[str]] = {}
        for one in beginnings:
            self._by_length.setdefault(len(one), set()).add(one)

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def of(self, number: str) -> str:
        """The shortest of them with which the number begins; empty when there is none."""
        for length in sorted(self._by_length):
            if number[:length] in self._by_length[length]:
                return number[:length]
        return ""
