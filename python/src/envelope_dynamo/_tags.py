"""Search tags (FORMAT 13): what a tag must be, given the values of its fields and a search key."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._cbor import UNDEFINED, encode
from ._payload import hkdf
from ._values import SCALARS, Attribute, canonical
from .errors import refusal, refuse_if

PREFIX = "blind_"
TAG_BYTES, MAC_BYTES = 21, 16
SPACE = "\t\n\f\r "
STEPS: dict[str, Callable[[str], str]] = {
    "trim": lambda text: text.strip(SPACE),
    "ascii_lowercase": lambda text: "".join(c.lower() if c.isascii() else c for c in text),
    "digits": lambda text: "".join(c for c in text if c in "0123456789"),
}


class TaggedField(NamedTuple):
    """A field of a tag: its stored name, and the steps that its text goes through."""

    name: str
    steps: tuple[str, ...] = ()


class TagKeys(NamedTuple):
    """What is derived from a search key for one definition (13.2)."""

    mac_key: bytes
    generation: bytes


def definition(table: str, name: str, fields: Sequence[TaggedField]) -> bytes:
    """The deterministic encoding of a tag's definition (13.2)."""
    unknown = [step for field in fields for step in field.steps if step not in STEPS]
    refuse_if(unknown, "step", "a search tag has a step that is not known here")
    return encode(
        ["envelope-search", 1, table, name, [[field.name, field.steps] for field in fields], 128]
    )


def derive(search_key: bytes, encoded_definition: bytes) -> TagKeys:
    okm = hkdf(search_key, b"", encoded_definition, 36)
    return TagKeys(okm[:32], okm[32:])


def of_sealed(value: Any) -> Attribute | None:
    """The attribute that the value of an encrypted field counts as; None if it is absent (13.3)."""
    if value is None or value is UNDEFINED:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str, bytes)):
        raise refusal(
            "search-value",
            "a searchable field holds something else than a text, an integer or bytes",
        )
    if isinstance(value, int):
        return Attribute("N", str(value))
    return Attribute("S" if isinstance(value, str) else "B", value)


def of_attribute(attribute: Attribute | None) -> Attribute | None:
    if attribute is None or attribute.type == "NULL":
        return None
    refuse_if(
        attribute.type not in SCALARS,
        "search-value",
        "a searchable field holds something else than S, N or B",
    )
    return attribute


def message(fields: Sequence[TaggedField], values: Sequence[Attribute | None]) -> bytes | None:
    """What is authenticated (13.3); None without a tag."""
    result = []
    for field, value in zip(fields, values, strict=True):
        if value is None:
            return None
        kind, content = canonical(value)
        if kind == "S":
            for step in field.steps:
                content = STEPS[step](content)
        if not content:  # the canonical text of a number is never empty
            return None
        result.append([kind, content])
    return encode(result)


def tag(keys: TagKeys, encoded_message: bytes) -> bytes:
    """The tag (13.4)."""
    return (
        b"\1" + keys.generation + hmac.digest(keys.mac_key, encoded_message, "sha256")[:MAC_BYTES]
    )


def generation_of(stored: bytes) -> bytes:
    """The generation of a stored tag, which is not authentic (13.4-1)."""
    refuse_if(not stored, "format-truncated", "a search tag is empty")
    refuse_if(
        stored[0] != 1,
        "format-unknown-version",
        "a search tag has a version that is not known here",
    )
    refuse_if(len(stored) < TAG_BYTES, "format-truncated", "a search tag ends too early")
    refuse_if(len(stored) > TAG_BYTES, "format-trailing", "bytes follow a search tag")
    return stored[1:5]
