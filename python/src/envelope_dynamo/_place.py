"""The context of a record, read from its item, and the type that the item has (FORMAT 5, 7-1 step
3).
"""

from __future__ import annotations

from ._context import Place
from ._values import SCALARS, Attribute, Item, canonical
from .errors import escaped, refusal
from .schema import Key, RecordType, Table

PAYLOAD, DEK = "encrypted_payload", "encrypted_dek"


def is_reserved(name: str) -> bool:
    """Whether a name is reserved for sealed data and data keys: the record's own, or a group's."""
    return any(name == reserved or name.startswith(f"{reserved}_") for reserved in (PAYLOAD, DEK))


def type_of(table: Table, item: Item) -> RecordType:
    """The one record type of the table that the item has, by its composed keys and its entity
    attributes.
    """
    found = [each for each in table.types if fits(each, item)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"`{escaped(each.name)}`" for each in found or table.types)
    problem = (
        f"could be each of {names}"
        if found
        else f"is none of {names}: neither its keys nor its entity attribute fit"
    )
    raise refusal("wrong-type", f"the item {problem}")


def fits(record: RecordType, item: Item) -> bool:
    constants = all(
        item.get(name) == Attribute("S", value) for name, value in record.entity.items()
    )
    return constants and all(
        key.format is None or parts_of(key, item) is not None for key in record.keys
    )


def parts_of(key: Key, item: Item) -> dict[str, str] | None:
    """The parts of a composed key; None if the item has another key."""
    stored = item.get(key.name)
    return key.format.split(stored.value) if key.format and stored and stored.type == "S" else None


def place_of(record: RecordType, item: Item) -> Place:
    """Keys and pairs of the record; its attributes are those of `item`."""
    keys = tuple((key.name, _key(key, item)) for key in record.keys)
    place = Place(record.table, record.form, keys, record.context, item)
    for name in record.pairs:
        place = place.with_pair(name, _pair(record, name, item))
    return place


def _key(key: Key, item: Item) -> Attribute:
    stored = item.get(key.name)
    if stored is None or stored.type not in SCALARS or not stored.value:
        message = (
            f"the key attribute `{escaped(key.name)}` is missing, empty, or not of type S, N or B"
        )
        raise refusal("key-attribute", message)
    return stored


def _pair(record: RecordType, name: str, item: Item) -> str:
    """The value of a field that is in the encryption context."""
    problem = (
        f"`{escaped(name)}` is in the encryption context, but the item has no text and no number "
        "there"
    )
    field = record.fields.get(name)
    if field and field.mark == "key":
        parts = [(parts_of(key, item) or {}).get(name) for key in record.keys]
        text = next((part for part in parts if part), None)
        if text is None:
            raise refusal("pair", problem)
        return text
    names = field.names if field else (name,)
    stored = next((item[each] for each in names if each in item), None)
    if stored is None or stored.type not in ("S", "N"):
        raise refusal("pair", problem)
    return str(canonical(stored)[1])
