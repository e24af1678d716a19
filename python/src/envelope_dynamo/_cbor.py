"""CBOR: the deterministic encoding of FORMAT 2 and 5, and a strict reader for headers and payloads
(4.2-1, 4.5).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from .errors import refusal, refuse_if

MAX_DEPTH = 128


class Undefined:
    """CBOR's `undefined`: an absent value (2.3-1, 4.5-2)."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()


def order(name: str) -> tuple[int, bytes]:
    """Sorts texts in CBOR order: the shorter first, among equal lengths bytewise (2)."""
    encoded = name.encode()
    return len(encoded), encoded


def encode(value: object) -> bytes:
    """The deterministic encoding of integers, texts, bytes, lists, maps with text keys, and simple
    values.
    """
    if value is True or value is False:
        return b"\xf5" if value else b"\xf4"
    if value is UNDEFINED:
        return b"\xf7"
    if isinstance(value, int):
        return _head(0, value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        encoded = value.encode()
        return _head(3, len(encoded)) + encoded
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, Mapping):
        entries = [encode(name) + encode(value[name]) for name in sorted(value, key=order)]
        return _head(5, len(entries)) + b"".join(entries)
    raise TypeError(f"{type(value).__name__} is not encoded here")


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    size = next(size for size in (1, 2, 4, 8) if argument < 1 << (8 * size))
    return bytes([major << 5 | 23 + size.bit_length()]) + argument.to_bytes(size, "big")


class Reader:
    """Reads bytes that anybody may have written: every read is checked, and refuses by one of three
    codes.
    """

    def __init__(
        self,
        data: bytes,
        truncated: str = "format-truncated",
        malformed: str = "format-malformed",
        trailing: str = "format-trailing",
        what: str = "the bytes",
    ) -> None:
        self.data, self.at, self.what = data, 0, what
        self.truncated, self.malformed, self.trailing = truncated, malformed, trailing

    def malformation(self, why: str) -> Exception:
        return refusal(self.malformed, f"{self.what}: {why}")

    def take(self, count: int) -> bytes:
        refuse_if(
            self.at + count > len(self.data),
            self.truncated,
            f"{self.what}: the bytes end too early",
        )
        self.at += count
        return self.data[self.at - count : self.at]

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)

    def integer(self, count: int = 1) -> int:
        return int.from_bytes(self.take(count), "big")

    def end(self) -> None:
        refuse_if(self.at != len(self.data), self.trailing, f"{self.what}: bytes follow the end")

    def head(self) -> tuple[int, int, int]:
        """Major type, additional information and argument; the bits of a float or the simple value
        for major type 7.
        """
        major, info = divmod(self.integer(), 32)
        if info > 27:
            raise self.malformation("an indefinite or reserved length")
        if major == 7:
            return major, info, self.integer(1 << (info - 24)) if info >= 24 else info
        argument = self.integer(1 << (info - 24)) if info >= 24 else info
        least = 0 if info < 24 else 24 if info == 24 else 1 << (8 << (info - 25))
        if argument < least:
            raise self.malformation("a head that is not the shortest")
        return major, info, argument

    def text(self, count: int) -> str:
        try:
            return self.take(count).decode()
        except UnicodeDecodeError:
            raise self.malformation("a text that is not UTF-8") from None

    def text_item(self) -> str:
        major, _, length = self.head()
        if major != 3:
            raise self.malformation("a name that is no text")
        return self.text(length)

    def names(self) -> list[str]:
        """The names of the authenticated attributes (4.2-1)."""
        major, _, count = self.head()
        if major != 4:
            raise self.malformation("names that are no array")
        names: list[str] = []
        for _ in range(count):
            name = self.text_item()
            if names and order(names[-1]) >= order(name):
                raise self.malformation("names that are out of order")
            names.append(name)
        return names

    def item(self, depth: int = 0, undefined: bool = False) -> Any:
        """A value of a field (4.5-3)."""
        major, info, argument = self.head()
        depth += major in (4, 5)
        if depth > MAX_DEPTH:
            raise self.malformation("a value that is nested too deeply")
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.text(argument)
        if major == 4:
            return [self.item(depth) for _ in range(argument)]
        if major == 5:
            return self.map([(self.item(depth), self.item(depth)) for _ in range(argument)])
        if major == 6:
            return self.bignum(argument)
        return self.simple(info, argument, undefined)

    def map(self, pairs: list[tuple[Any, Any]]) -> Any:
        """A dict. A list of pairs, if Python cannot have two of the keys, or one of them, in a dict
        (4.5-5).
        """
        encoded = {_identity(key) for key, _ in pairs}
        if len(encoded) < len(pairs):
            raise self.malformation("a key of a map that occurs twice")
        try:
            found = dict(pairs)
        except TypeError:  # a key that is an array or a map
            return pairs
        return found if len(found) == len(pairs) else pairs

    def bignum(self, tag: int) -> int:
        if tag not in (2, 3):
            raise self.malformation("a tag that is not allowed")
        major, _, length = self.head()
        if major != 2 or not 9 <= length <= 16:
            raise self.malformation("a tag of something else than a bignum")
        digits = self.take(length)
        if digits[0] == 0:
            raise self.malformation("a bignum with leading zeros")
        number = int.from_bytes(digits, "big")
        if tag == 3 and number >= 1 << 127:
            raise self.malformation("an integer below -2^127")
        return number if tag == 2 else -1 - number

    def simple(self, info: int, argument: int, undefined: bool) -> Any:
        if info in (25, 26, 27):
            size, code = {25: (2, ">e"), 26: (4, ">f"), 27: (8, ">d")}[info]
            return struct.unpack(code, argument.to_bytes(size, "big"))[0]
        values: dict[int, Any] = {20: False, 21: True, 22: None}
        if undefined:
            values[23] = UNDEFINED
        if info not in values:
            raise self.malformation("a simple value that is not allowed")
        return values[info]

    def record(self) -> dict[str, Any]:
        """The map of all encrypted fields (4.5-1)."""
        major, _, count = self.head()
        if major != 5:
            raise self.malformation("no map")
        result: dict[str, Any] = {}
        for _ in range(count):
            name = self.text_item()
            if name in result:
                raise self.malformation("a name that occurs twice")
            result[name] = self.item(undefined=True)
        self.end()
        return result


def record_reader(plaintext: bytes) -> Reader:
    """A reader of the plaintext of a record or of a group."""
    code = "malformed-record"
    return Reader(plaintext, code, code, code, what="the record's sealed fields")


def _identity(key: Any) -> object:
    """A text for a key that tells `1`, `1.0` and `true` apart, which are equal in Python."""
    return f"{type(key).__name__} {key!r}"
