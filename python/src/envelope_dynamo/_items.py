"""Opens items: all steps of FORMAT 7-1, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import _tags
from ._cbor import UNDEFINED
from ._payload import open_payload, parse_payload
from ._place import DEK, PAYLOAD, is_reserved, parts_of, place_of, type_of
from ._provider import Keys
from ._reconcile import Written, reconcile
from ._record import Record, shown_id
from ._tags import PREFIX
from ._values import Attribute, Item, read_item, to_python
from .errors import DataKeyError, EnvelopeError, escaped, refusal, refuse_if
from .keys._search import SearchKey
from .schema import Key, RecordType, Schema, Table

__all__ = ["decrypt_item"]

# 4.6-5: the key is not this reader's to use, now or later.
NO_RIGHT = ("key-wrong", "key-denied", "key-disabled", "key-pending-deletion", "key-not-found")

MAX_DIGITS = 39  # of an integer of 128 bits


class Options(NamedTuple):
    """How items are read."""

    keys: Keys
    trust_plaintext_items: bool = False
    search_keys: Sequence[SearchKey] = ()


def decrypt_item(
    item: Mapping[str, Any],
    schema: Schema,
    keys: Keys,
    *,
    table: str | None = None,
    trust_plaintext_items: bool = False,
    search_keys: Sequence[SearchKey] = (),
) -> Record:
    """Opens an item as boto3 returns it, and verifies it.

    ``item`` is a whole item, from a client (``{"S": ..}``) or from a resource (Python values).
    ``table`` is the logical table, which is needed if the schema file has several. ``keys`` unwraps
    the data key: for KMS ``KmsKeys(boto3.client("kms"), "alias/users")``.

    With ``search_keys``, the search tags of the record must also be those of its own values.
    Without, they are authenticated like any attribute. Tags under other search keys are not
    compared.

    Raises :class:`EnvelopeError <envelope_dynamo.errors.EnvelopeError>`.

    Security: the record is the one that was sealed for this table and this key, and no protected
    field was changed. An older version of the record that somebody put back (replay) is not
    noticed. Fields that are marked plaintext are not protected. With ``trust_plaintext_items``,
    items that are not sealed are read as well, and *nothing* in them is verified: whoever can write
    the table can put one in place of a sealed record.
    """
    if not hasattr(keys, "unwrap"):
        raise refusal(
            "configuration", '`keys` is no key provider: for KMS, pass KmsKeys(client, "alias/..")'
        )
    return open_item(item, schema.table(table), Options(keys, trust_plaintext_items, search_keys))


def open_item(item: Mapping[str, Any], table: Table, options: Options) -> Record:
    found = read_item(item, table.partition_key)
    record = table.types[0] if len(table.types) == 1 else None
    try:
        record = type_of(table, found)
        fields, is_sealed = _open(record, found, options)
        fields |= _key_fields(record, found, fields)
        _check_complete(record, fields)
    except EnvelopeError as error:
        error.record = shown_id(record, found) if record else table.name
        raise
    in_order = [key.name for key in record.keys] + list(record.fields)
    values = {name: fields[name] for name in in_order if name in fields}
    return Record(values, type_name=record.name, table=table.name, is_sealed=is_sealed)


def _open(record: RecordType, item: Item, options: Options) -> tuple[dict[str, Any], bool]:
    """The fields that are not in keys, and whether the item was sealed."""
    if record.is_unprotected:
        sealed = [name for name in item if is_reserved(name) or name.startswith(PREFIX)]
        message = (
            f"the item has sealed data, and records of `{escaped(record.name)}` are stored "
            "unprotected"
        )
        refuse_if(sealed, "wrong-type", message)
        return _plain_fields(record, item), False
    if options.trust_plaintext_items and not any(is_reserved(name) for name in item):
        return _plain_fields(record, item), False
    return _sealed_fields(record, dict(item), options), True


def _plain_fields(record: RecordType, item: Item) -> dict[str, Any]:
    """The fields of an item that is not sealed: each is an attribute. The own name goes before an
    alias.
    """
    found = {}
    for name, field in record.fields.items():
        stored = next((item[each] for each in field.names if each in item), None)
        if stored is not None and field.mark != "key":
            found[name] = to_python(stored)
    return found


def _sealed_fields(record: RecordType, item: Item, options: Options) -> dict[str, Any]:
    payload, dek = _take_sealed(item)
    opened = open_payload(payload, dek, "record", lambda: place_of(record, item), options.keys)
    sealed, withheld = dict(opened.fields), set()
    for group in record.groups:
        fields = _open_group(record, item, group, opened.names, options.keys)
        if fields is None:
            withheld.add(group)
            continue
        refuse_if(
            sealed.keys() & fields.keys(),
            "malformed-record",
            "a field is sealed twice, in two groups of the record",
        )
        sealed.update(fields)
    written = Written(sealed, frozenset(opened.names), frozenset(withheld))
    found = reconcile(record, item, written)
    if options.search_keys:
        _check_tags(record, item, written, options.search_keys)
    return found


def _take_sealed(item: Item) -> tuple[bytes, bytes]:
    """Removes payload and wrapped key from the item: they are not attributes of the context
    (5.1-3).
    """
    payload, dek = item.pop(PAYLOAD, None), item.pop(DEK, None)
    plaintext = "the item is in plaintext: it has neither `encrypted_payload` nor `encrypted_dek`"
    refuse_if(payload is None and dek is None, "not-sealed", plaintext)
    if payload is None or dek is None or payload.type != "B" or dek.type != "B":
        raise refusal(
            "incomplete", "one of `encrypted_payload` and `encrypted_dek` is missing, or not binary"
        )
    return payload.value, dek.value


def _open_group(
    record: RecordType, item: Item, group: str, names: list[str], keys: Keys
) -> dict[str, Any] | None:
    """The fields of a group (4.6-4): none if the record was written without it. None if it is
    withheld.
    """
    payload, dek = (item.pop(f"{attribute}_{group}", None) for attribute in (PAYLOAD, DEK))
    if f"{PAYLOAD}_{group}" not in names:
        added = f"the item has the group `{escaped(group)}`, which was not sealed with the record"
        refuse_if(payload or dek, "group", added)
        return {}
    if payload is None or dek is None or payload.type != "B" or dek.type != "B":
        raise refusal(
            "group",
            f"payload or wrapped key of the group `{escaped(group)}` is missing, or not binary",
        )
    lists = f"the payload of the group `{escaped(group)}` lists authenticated attributes"
    refuse_if(parse_payload(payload.value).names, "group", lists)  # 4.6-1
    try:
        place = place_of(record, item).with_pair("group", group)
        return open_payload(payload.value, dek.value, "group", lambda: place, keys).fields
    except DataKeyError as error:
        if error.code in NO_RIGHT:
            return None
        raise


def _key_fields(record: RecordType, item: Item, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the key: key attributes, and the parts of composed keys, which the other fields
    must make.
    """
    found: dict[str, Any] = {}
    for key in record.keys:
        if key.format is None:
            found[key.name] = to_python(item[key.name]) if key.name in item else None
            continue
        digits = key.format.digits()
        for name, text in (parts_of(key, item) or {}).items():
            value = _part(key, text, digits[name])
            if record.fields[name].mark == "key":
                refuse_if(found.setdefault(name, value) != value, "key-fields", _other_key(key))
            elif name in fields:
                refuse_if(
                    _text(key, fields[name], digits[name]) != text, "key-fields", _other_key(key)
                )
    return found


def _part(key: Key, text: str, digits: int) -> int | str:
    if not digits:
        return text
    is_integer = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    refuse_if(not is_integer, "key-fields", _other_key(key))
    return int(text)


def _text(key: Key, value: Any, digits: int) -> str:
    """The text of a field in a composed key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (int, str)) or (digits and not isinstance(value, int)):
        raise refusal("key-fields", _other_key(key))
    return f"{value:0{digits}}" if digits else str(value)


def _other_key(key: Key) -> str:
    return f"the record is stored under another `{escaped(key.name)}` than its fields make"


def _check_complete(record: RecordType, fields: Mapping[str, Any]) -> None:
    for name, field in record.fields.items():
        absent = name not in fields and not field.is_optional
        refuse_if(
            absent,
            "missing-field",
            f"the record has no `{escaped(name)}`, which is not optional in the schema file",
        )


def _check_tags(
    record: RecordType, item: Item, written: Written, search_keys: Sequence[SearchKey]
) -> None:
    """Compares the tags that the record lists with those of its own values, if they are under a
    known search key.
    """
    for name, tagged in record.search_tags.items():
        if f"{PREFIX}{name}" not in written.listed:
            continue  # written without the definition, and not found by any search
        stored = item.get(f"{PREFIX}{name}", Attribute("B", None))
        definition = _tags.definition(record.table, name, tagged)
        message = _tags.message(
            tagged, [_own_value(record, each.name, item, written) for each in tagged]
        )
        mismatch = f"the search tag `{PREFIX}{escaped(name)}` is not that of the record's own value"
        refuse_if(
            (message is None) != (stored.value is None) or stored.type != "B",
            "tag-mismatch",
            mismatch,
        )
        if message is None:
            continue
        generation = _tags.generation_of(stored.value)
        for search_key in search_keys:
            derived = _tags.derive(search_key._secret.expose(), definition)
            same_key = derived.generation == generation
            refuse_if(
                same_key and _tags.tag(derived, message) != stored.value, "tag-mismatch", mismatch
            )


def _own_value(record: RecordType, name: str, item: Item, written: Written) -> Attribute | None:
    """The value of a field to which the record is bound (13.6-2)."""
    field = record.fields.get(name)
    if field is None:  # a key is read from the item, whatever is sealed under its name (8-6)
        return _tags.of_attribute(item.get(name))
    sealed = [
        written.sealed[each]
        for each in field.names
        if written.sealed.get(each, UNDEFINED) is not UNDEFINED
    ]
    if sealed:
        return _tags.of_sealed(sealed[0])
    listed = [item[each] for each in field.names if each in item and each in written.listed]
    return _tags.of_attribute(listed[0]) if listed else None
