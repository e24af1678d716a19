"""Attributes of DynamoDB: the two forms of boto3, and the canonical encoding of FORMAT 2."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from ._cbor import UNDEFINED
from .errors import escaped, refusal, refuse_if

SCALARS = ("S", "N", "B")
TYPES = (*SCALARS, "BOOL", "NULL", "L", "M", "SS", "NS", "BS")
MAX_LEVELS = 64  # twice what DynamoDB stores

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)


class Attribute(NamedTuple):
    """A value of DynamoDB: its type, and the text, bytes, list or dict of it. Numbers are text."""

    type: str
    value: Any


Item = dict[str, Attribute]


def canonical_number(text: str) -> str:
    """The canonical text of a number (2.2)."""
    refuse_if(not _NUMBER.fullmatch(text), "number", "not a number")
    sign, found, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        raise refusal("number", "not a number")
    digits = "".join(map(str, found)).lstrip("0")
    exponent, digits = exponent + len(digits) - len(digits.rstrip("0")), digits.rstrip("0")
    if not digits:
        return "0"
    refuse_if(
        len(digits) > 38 or not -130 <= exponent + len(digits) - 1 <= 125,
        "number",
        "not a number that DynamoDB can store: at most 38 significant digits, from 1E-130 to "
        "9.99E+125",
    )
    return format(Decimal((sign, tuple(map(int, digits)), exponent)), "f")


def canonical(attribute: Attribute | None) -> Any:
    """What is encoded of an attribute (2.1); `undefined` for an absent one (2.3-1)."""
    if attribute is None:
        return UNDEFINED
    kind, value = attribute
    if kind == "N":
        return [kind, canonical_number(value)]
    if kind == "NS":
        return [kind, sorted({canonical_number(element) for element in value})]
    if kind in (
        "SS",
        "BS",
    ):  # UTF-8 keeps the order of code points, so texts are compared as Python does
        return [kind, sorted(set(value))]
    if kind == "L":
        return [kind, [canonical(element) for element in value]]
    if kind == "M":
        return [kind, {name: canonical(element) for name, element in value.items()}]
    return [kind, value]


def to_python(attribute: Attribute) -> Any:
    """The value for the application: numbers are `int` if they are whole, else `Decimal`."""
    kind, value = attribute
    if kind == "N":
        return _number(value)
    if kind == "NULL":
        return None
    if kind == "NS":
        return {_number(element) for element in value}
    if kind in ("SS", "BS"):
        return set(value)
    if kind == "L":
        return [to_python(element) for element in value]
    if kind == "M":
        return {name: to_python(element) for name, element in value.items()}
    return value


def _number(text: str) -> int | Decimal:
    canonical_text = canonical_number(text)
    return Decimal(canonical_text) if "." in canonical_text else int(canonical_text)


def read_item(item: Mapping[str, Any], key: str) -> Item:
    """An item in one of the forms of boto3. The attribute `key`, which is no map in any table,
    shows which.
    """
    if not isinstance(item, Mapping) or not all(isinstance(name, str) for name in item):
        raise refusal(
            "item", "an item must be a dict with the attributes by name, as boto3 returns it"
        )
    shows_form = item.get(key, next(iter(item.values()), {}))
    read = _of_client if isinstance(shows_form, Mapping) else of_python
    return {name: _read(name, value, read) for name, value in item.items()}


def _read(name: str, value: Any, read: Any) -> Attribute:
    try:
        _text(name)
        attribute: Attribute = read(value)
    except (TypeError, ValueError, binascii.Error) as error:
        raise refusal(
            "item", f"the attribute `{escaped(name)}` is not as boto3 returns it: {error}"
        ) from None
    return attribute


def _of_client(value: Any, levels: int = MAX_LEVELS) -> Attribute:
    """An attribute in DynamoDB JSON. `B` has bytes, as in the answers of a client, or base64, as in
    an export.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        raise TypeError('it is not a dict of one type, such as {"S": ..}')
    ((kind, content),) = value.items()
    if kind not in TYPES:
        raise TypeError("its type is none of DynamoDB's")
    if levels == 0:
        raise ValueError("it is nested too deeply")
    if kind in ("S", "N"):
        return Attribute(kind, _text(content))
    if kind == "B":
        return Attribute(kind, _bytes(content))
    if kind in ("BOOL", "NULL"):
        if not isinstance(content, bool):
            raise TypeError(f"{kind} has no bool")
        return Attribute(kind, content)
    if kind == "M":
        if not isinstance(content, Mapping):
            raise TypeError("M has no dict")
        return Attribute(
            kind, {_text(name): _of_client(inner, levels - 1) for name, inner in content.items()}
        )
    if isinstance(content, (str, bytes, Mapping)):
        raise TypeError(f"{kind} has no list")
    if kind == "L":
        return Attribute(kind, [_of_client(inner, levels - 1) for inner in content])
    return Attribute(kind, [_bytes(inner) if kind == "BS" else _text(inner) for inner in content])


def of_python(value: Any, levels: int = MAX_LEVELS) -> Attribute:
    """An attribute in the form of boto3's resources: `str`, `Decimal`, `Binary`, `set`, .."""
    if levels == 0:
        raise ValueError("it is nested too deeply")
    if value is None:
        return Attribute("NULL", True)
    if isinstance(value, bool):
        return Attribute("BOOL", value)
    if isinstance(value, (int, Decimal)):
        return Attribute("N", str(value))
    if isinstance(value, str):
        return Attribute("S", _text(value))
    if _is_binary(value):
        return Attribute("B", _bytes(value))
    if isinstance(value, Mapping):
        return Attribute(
            "M", {_text(name): of_python(inner, levels - 1) for name, inner in value.items()}
        )
    if isinstance(value, (list, tuple)):
        return Attribute("L", [of_python(inner, levels - 1) for inner in value])
    if isinstance(value, (set, frozenset)):
        return _of_set([of_python(inner, levels - 1) for inner in value])
    raise TypeError(f"{type(value).__name__} is no type of an attribute")


def _of_set(elements: list[Attribute]) -> Attribute:
    kinds = {element.type for element in elements}
    if len(kinds) != 1 or not kinds <= set(SCALARS):
        raise TypeError("a set needs elements of one type, text, number or bytes")
    return Attribute(f"{kinds.pop()}S", [element.value for element in elements])


def _is_binary(value: Any) -> bool:
    """Bytes, or the class `Binary` of boto3, which need not be installed."""
    return isinstance(value, (bytes, bytearray)) or type(value).__name__ == "Binary"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("there is no text where the type needs one")
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("it is no text that UTF-8 can encode")
    return value


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return base64.b64decode(value, validate=True)
    content = getattr(value, "value", value)
    if not isinstance(content, (bytes, bytearray)):
        raise TypeError("there are no bytes where the type needs them")
    return bytes(content)
