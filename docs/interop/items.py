"""Whole items: sections 4.6, 7 and 8 of docs/FORMAT.md. What a reader makes of each of its fields, or why it refuses the item.

A reader is given as in vectors/README.md: its key attributes, its fields with their marks, and the keys of its groups.
"""

import base64

from encoding import Context, Refused, parse_payload, refuse_if
from envelope import open_payload, unwrap_of

PAYLOAD, DEK = "encrypted_payload", "encrypted_dek"
MISSING, WITHHELD = {"missing": True}, {"withheld": True}
# [4.6-5]: the key is not this reader's to use, now or later.
NO_RIGHT = ("key-wrong", "key-denied", "key-disabled", "key-pending-deletion", "key-not-found")


def binary(attribute):
    """The bytes of an attribute of type B; None if it is of another type or absent."""
    return base64.b64decode(attribute["B"]) if attribute and "B" in attribute else None


def take_sealed(item):  # step 1
    payload, dek = item.pop(PAYLOAD, None), item.pop(DEK, None)
    refuse_if(payload is None and dek is None, "not-sealed", "neither attribute is there")
    payload, dek = binary(payload), binary(dek)
    refuse_if(payload is None or dek is None, "incomplete", "one of the two attributes is missing, or not binary")
    return payload, dek


def context_of(vector, item):  # step 3
    keys = []
    for name in vector["key_names"]:
        kind, value = next(iter(item.get(name, {"NULL": True}).items()))
        refuse_if(kind not in ("S", "N", "B") or not value, "key-attribute", "a key is missing, empty or of another type")
        keys.append({"name": name, "value": {kind: value}})
    return Context(vector["table"], vector["context_form"], keys, item, vector["pairs"])


def open_group(name, keys, item, names, context):  # [4.6]: the fields; MISSING or WITHHELD in place of them
    payload, dek = (item.pop(f"{attribute}_{name}", None) for attribute in (PAYLOAD, DEK))
    if f"{PAYLOAD}_{name}" not in names:  # [4.6-4]
        refuse_if(payload or dek, "group", "the item has a group that the record does not list")
        return MISSING
    payload, dek = binary(payload), binary(dek)
    refuse_if(payload is None or dek is None, "group", "payload or wrapped key of the group is missing")
    refuse_if(parse_payload(payload)[2], "group", "the group's payload lists authenticated attributes")  # [4.6-1]
    bare = Context(context.table, context.form, context.keys, {}, context.pairs).with_pair("group", name)
    try:
        return open_payload(payload, dek, "group", lambda _: bare, unwrap_of(keys))[2]
    except Refused as refused:
        if refused.kind in NO_RIGHT:
            return WITHHELD
        raise


def all_sealed(fields, groups):
    """Every field of the maps that were opened [4.6-7]."""
    sealed = dict(fields)
    for group in groups:
        refuse_if(sealed.keys() & group.keys(), "malformed-record", "a field stands in two of the record's maps")
        sealed.update(group)
    return sealed


def value_of(name, field, withheld, unseen, item, sealed, listed):  # [8-3]
    known, protected = [name, *field.get("aliases", [])], field["mark"] in ("encrypted", "authenticated")
    found = next((each for each in known if each in item), None)
    attribute = item.get(found)
    name = next((each for each in known if each in sealed), name)
    if name in sealed:
        refuse_if(withheld, "marks", f"{name} is withheld, and sealed outside of its group")  # [4.6-8]
        refuse_if(protected and attribute, "marks", f"{name} is sealed, and stands in the item as well")
        if attribute:
            return {"value": next(iter(attribute.values()))}
        return {"value": sealed[name]} if isinstance(sealed[name], str) else MISSING
    if withheld:
        refuse_if(attribute, "marks", f"{name} is withheld, and stands in the item as well")
        return WITHHELD
    if attribute and protected and found not in listed:
        refuse_if(not field.get("accepts_plaintext"), "marks", f"{name} was written unprotected")
        refuse_if(any(each in listed for each in known), "marks", f"{name} was written protected under another name")  # [8-8]
        refuse_if(unseen, "marks", f"{name} may stand in a group that was not opened")  # [8-9]
    return {"value": next(iter(attribute.values()))} if attribute else MISSING


def open_item(vector):
    """What each of the reader's fields holds: {"value": ..}, {"missing": true} or {"withheld": true}."""
    item, reader = dict(vector["item"]), vector["reader"]
    payload, dek = take_sealed(item)
    context = lambda _: context_of(vector, item)
    _, names, fields = open_payload(payload, dek, "record", context, unwrap_of(vector))
    groups = {
        name: open_group(name, keys, item, names, context_of(vector, item)) for name, keys in reader.get("groups", {}).items()
    }
    sealed = all_sealed(fields, [group for group in groups.values() if group not in (MISSING, WITHHELD)])
    refuse_if(sealed.keys() & set(names), "marks", "a name both encrypted and authenticated")  # [8-2]
    for name, field in reader["fields"].items():  # [8-10]
        unlisted = field.get("searchable") and f"blind_{name}" in item and f"blind_{name}" not in names
        refuse_if(unlisted, "marks", f"the record does not list the tag of {name}")
    own = {f"{PAYLOAD}_{name}" for name in groups}
    unseen = WITHHELD in groups.values() or any(name.startswith(f"{PAYLOAD}_") and name not in own for name in names)
    return {
        name: value_of(
            name,
            field,
            groups.get(field.get("group")) is WITHHELD,
            unseen,
            item,
            sealed,
            names,
        )
        for name, field in reader["fields"].items()
    }
