"""Which value each field of the schema may take, where the marks of a record differ from it (FORMAT
8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ._cbor import UNDEFINED
from ._place import PAYLOAD
from ._record import WITHHELD
from ._tags import PREFIX
from ._values import Item, to_python
from .errors import EnvelopeError, escaped, escaped_names, refusal
from .schema import Field, RecordType


class Written(NamedTuple):
    """An authentic record: its sealed fields, the names that it authenticates, and its groups that
    are withheld.
    """

    sealed: Mapping[str, Any]
    listed: frozenset[str]
    withheld: frozenset[str]


def reconcile(record: RecordType, item: Item, written: Written) -> dict[str, Any]:
    """The values of the fields; `WITHHELD` for those that are withheld. Absent fields have no
    entry.
    """
    return _Rules(record, item, written).values()


class _Rules:
    def __init__(self, record: RecordType, item: Item, written: Written) -> None:
        self.record, self.item, self.written = record, item, written
        own = {f"{PAYLOAD}_{group}" for group in record.groups}
        unknown = any(name.startswith(f"{PAYLOAD}_") and name not in own for name in written.listed)
        self.has_unseen_groups = unknown or bool(written.withheld)

    def values(self) -> dict[str, Any]:
        self.check_names()
        self.check_generated()
        found = {}
        for name, field in self.record.fields.items():
            if field.mark == "key":
                continue  # its value is in a composed key
            values = self.sealed_values(field) + self.attribute_values(field)
            if len(values) > 1:
                raise self.refusal(name, "is in the record under two of its names")
            if values:
                found[name] = values[0]
            elif field.group in self.written.withheld:
                found[name] = WITHHELD
        return found

    def check_names(self) -> None:
        both = self.written.sealed.keys() & self.written.listed  # 8-2
        if both:
            raise self.refusal(min(both), "is both sealed and readable in the record")

    def check_generated(self) -> None:
        """The attribute of an entity type, and a tag whose definition is known, are never accepted
        unprotected.
        """
        tags = [
            f"{PREFIX}{name}" for name in self.record.search_tags if f"{PREFIX}{name}" in self.item
        ]
        for name in [*self.record.entity, *tags]:
            if name not in self.written.listed:
                raise self.refusal(name, "is in the item, but the record does not authenticate it")

    def sealed_values(self, field: Field) -> list[Any]:
        """The column "written encrypted" of 8-3."""
        values = []
        for name in field.names:
            if name not in self.written.sealed:
                continue
            if field.group in self.written.withheld:  # 4.6-8
                raise self.refusal(
                    name,
                    "is in a group that is withheld, but the record has it sealed outside of it",
                )
            if field.is_protected and name in self.item:
                raise self.refusal(
                    name, "is sealed in the record, but the item also has it in plaintext"
                )
            in_plaintext = not field.is_protected and any(each in self.item for each in field.names)
            if not in_plaintext and self.written.sealed[name] is not UNDEFINED:
                values.append(self.written.sealed[name])
        return values

    def attribute_values(self, field: Field) -> list[Any]:
        """The other columns of 8-3."""
        names = [name for name in field.names if name in self.item]
        if not field.is_protected and field.name in names:
            names = [field.name]  # 8-8: an update in place wrote it
        for name in names:
            if field.is_protected:
                self.check_attribute(field, name)
        return [to_python(self.item[name]) for name in names]

    def check_attribute(self, field: Field, name: str) -> None:
        if field.group in self.written.withheld:  # 8-7
            raise self.refusal(
                name, "is in a group that is withheld, but the item has it in plaintext"
            )
        if name in self.written.listed:
            return
        if not field.accepts_plaintext:
            raise self.refusal(
                name, f"is marked {field.mark}, but the record was written with it unprotected"
            )
        if any(
            each in self.written.listed or each in self.written.sealed for each in field.names
        ):  # 8-8
            raise self.refusal(
                name,
                "is in plaintext, but the record protects the field under another of its names",
            )
        if self.has_unseen_groups:  # 8-9
            raise self.refusal(
                name, "is in plaintext, but may be sealed in a group that this reader did not open"
            )

    def refusal(self, name: str, why: str) -> EnvelopeError:
        """Names the sealed fields that the schema has, and counts the others: their names are
        sealed as well.
        """
        named = [each for each in self.written.sealed if self.record.owner(each)]
        others = len(self.written.sealed) - len(named)
        more = f" and {others} that the schema does not name" if others else ""
        listed = escaped_names(sorted(self.written.listed))
        written = f"encrypted [{escaped_names(named)}]{more}, authenticated [{listed}]"
        return refusal("marks", f"`{escaped(name)}` {why}; written with {written}")
