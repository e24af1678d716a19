"""A record that was opened, and how errors name it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

from ._context import Place
from ._values import SCALARS, Item, canonical
from .errors import EnvelopeError, escaped
from .schema import RecordType

__all__ = ["WITHHELD", "Record", "Withheld"]


class Withheld(enum.Enum):
    """The type of :data:`WITHHELD`."""

    WITHHELD = "withheld"

    def __repr__(self) -> str:
        return "WITHHELD"


WITHHELD: Final = Withheld.WITHHELD
"""The value of a field in a group whose key this reader may not use. It says nothing about the
field.
"""


class Record(dict[str, Any]):
    """The fields of a record, by the names under which they are stored.

    | written as | value |
    |---|---|
    | encrypted | as serde wrote it: `str`, `int`, `float`, `bool`, `bytes`, `list`, `dict`, `None` |
    | readable, a number | `int` if it is whole, else `Decimal` |
    | readable, a set | `set` |
    | a part of a composed key | `str`; `int` if the format pads it with zeros |
    | in a group that is withheld | :data:`WITHHELD` |
    | absent | no entry |

    A map in a field whose keys Python cannot have in one `dict` (arrays, or both `1` and `true`) is
    a list of pairs.

    ``repr`` shows the names alone, so that no value gets into a log by accident.
    """

    type_name: str
    """The name of the struct in the schema file."""
    table: str
    """The logical table."""
    is_sealed: bool
    """Whether the item was sealed. Nothing is verified in an item that was not."""

    def __init__(
        self, fields: Mapping[str, Any], *, type_name: str, table: str, is_sealed: bool
    ) -> None:
        super().__init__(fields)
        self.type_name, self.table, self.is_sealed = type_name, table, is_sealed

    @property
    def withheld(self) -> list[str]:
        """The names of the fields that are withheld."""
        return [name for name, value in self.items() if value is WITHHELD]

    def __repr__(self) -> str:
        return f"Record({self.type_name!r}, fields={list(self)})"


def shown_id(record: RecordType, item: Item) -> str:
    """The record in errors: its table, and its keys in the form that the program chose for the KMS
    context.
    """
    shown = [
        f"{key.name}={escaped(_shown_key(record, position, item))}"
        for position, key in enumerate(record.keys)
    ]
    return f"{record.table}[{', '.join(shown)}]"


def _shown_key(record: RecordType, position: int, item: Item) -> str:
    name = record.keys[position].name
    key = item.get(name)
    if key is None or key.type not in SCALARS:
        return "(invalid)"
    try:
        if record.form == "table":
            return (
                str(canonical(key)[1]) if name in record.pairs and key.type != "B" else "(withheld)"
            )
        place = Place(record.table, record.form, ((name, key),))
        shown = place.encryption_context()["partition_key"]
    except EnvelopeError:
        return "(invalid)"
    return f"(sha256 {shown})" if record.form == "hashed" else shown
