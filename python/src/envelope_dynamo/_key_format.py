"""Composed keys: one key attribute that consists of constant text and of fields, such as
`ORDER#{created:020}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

# The characters that separate the parts of composed keys: no part contains one.
SEPARATORS = "#|/:"

_PIECE = re.compile(r"(?P<text>(?:[^{}]|\{\{|\}\})+)|\{(?P<part>[^}]*)\}")
_PADDED = re.compile(r"(?P<name>.*):0(?P<digits>[0-9]{1,4})", re.DOTALL)


class Part(NamedTuple):
    """A field in a key, and the digits to which its number is padded; 0 if it is not."""

    name: str
    digits: int


class KeyFormat(NamedTuple):
    """The format of a composed key: constant texts and parts, in their order."""

    text: str
    pieces: tuple[str | Part, ...]

    @property
    def prefix(self) -> str:
        """The constant text at the start of every key of this format."""
        return self.pieces[0] if self.pieces and isinstance(self.pieces[0], str) else ""

    @property
    def is_constant(self) -> bool:
        return all(isinstance(piece, str) for piece in self.pieces)

    def split(self, key: str) -> dict[str, str] | None:
        """The parts, as they stand in the key; None if the key is not of this format."""
        rest, parts = key, {}
        for index, piece in enumerate(self.pieces):
            if isinstance(piece, str):
                if not rest.startswith(piece):
                    return None
                rest = rest[len(piece) :]
                continue
            end = self._end(rest, index)
            if end is None or not is_part(rest[:end]):
                return None
            parts[piece.name], rest = rest[:end], rest[end:]
        return None if rest else parts

    def _end(self, rest: str, index: int) -> int | None:
        """Where the part at `index` ends. A text between two parts has a separator, and a part has
        none.
        """
        following = self.pieces[index + 1 :]
        if not following:
            return len(rest)
        text = following[0]
        if not isinstance(text, str):
            return None
        if len(following) == 1:
            return len(rest) - len(text) if rest.endswith(text) else None
        found = rest.find(text)
        return None if found < 0 else found

    def digits(self) -> dict[str, int]:
        """The digits of each part."""
        return {piece.name: piece.digits for piece in self.pieces if isinstance(piece, Part)}


def is_part(text: str) -> bool:
    return bool(text) and not any(separator in text for separator in SEPARATORS)


def parse_format(text: str, is_field: Callable[[str], bool]) -> KeyFormat | None:
    """The format that a schema file writes; None if it is not valid, or names something else than a
    field.
    """
    pieces: list[str | Part] = []
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if not found:
            return None
        at = found.end()
        if found["text"] is not None:
            pieces.append(found["text"].replace("{{", "{").replace("}}", "}"))
            continue
        part = _part(found["part"], is_field)
        if part is None:
            return None
        pieces.append(part)
    return KeyFormat(text, tuple(pieces))


def _part(text: str, is_field: Callable[[str], bool]) -> Part | None:
    if is_field(text):
        return Part(text, 0)
    padded = _PADDED.fullmatch(text)
    if padded and is_field(padded["name"]):
        return Part(padded["name"], int(padded["digits"]))
    return None
