"""The vectors of whole items: groups [4.6], the order of the steps [7], marks [8]."""

import base64

import cbor2

from kms_keys import KEY as KMS_KEY
from sealing import OTHER_ROOT_KEY, ROOT_KEY, Case, S, envelope, flip, key, seed, wrapping
from adapters import tags

TABLE, KEYS, PAIRS = "patients", (key("patient_id", S("p_1")),), {"purpose": "care"}
WARD_KEY = seed("root key of the ward", 32)
PAYLOAD, DEK = "encrypted_payload", "encrypted_dek"


def binary(data):
    return {"B": base64.b64encode(data).decode()}


def part(case, root_key, group=None):
    """What a writer chose for the record or one of its groups, and what came out."""
    data_key = case.data_key()
    wrapped = wrapping.local_wrap(root_key, case.wrap_salt(), case.encryption_context(), data_key)
    return {
        **({"group": group} if group else {}),
        "root_key": root_key.hex(),
        "data_key": data_key.hex(),
        "salt": case.salt().hex(),
        "wrap_salt": case.wrap_salt().hex(),
        "authenticated_names": sorted(case.authenticated, key=lambda name: (len(name.encode()), name.encode())),
        "plaintext": case.plain().hex(),
        "encrypted_payload": case.payload().hex(),
        "encrypted_dek": envelope.encode_dek(case.form, [(1, wrapping.local_id(root_key), wrapped)]).hex(),
    }


class Item:
    """An item as its writer makes it: sealed fields, authenticated and plain attributes, and groups of fields."""

    def __init__(self, name, sealed=None, attributes=None, authenticated=(), groups=None, pairs=PAIRS, plaintext=None, group_names=()):
        attributes, sealed = dict(attributes or {}), {"name": "Zoë"} if sealed is None else sealed
        place = {"table": TABLE, "keys": KEYS, "pairs": pairs}
        self.parts, vouched = [], []
        for group, fields in (groups or {}).items():
            inner = Case(
                f"{name}: {group}",
                content="group",
                **{**place, "pairs": {**pairs, "group": group}},
                attributes=attributes,
                authenticated=tuple(group_names),
                fields=fields,
            )
            self.parts.append(part(inner, WARD_KEY, group))
            vouched.append(f"{PAYLOAD}_{group}")
            attributes[f"{PAYLOAD}_{group}"] = binary(inner.payload())
        attributes |= {each["name"]: each["value"] for each in KEYS}
        record = Case(name, **place, attributes=attributes, authenticated=(*authenticated, *vouched), fields=sealed, plaintext=plaintext)
        self.parts.insert(0, part(record, ROOT_KEY))
        for made in self.parts[1:]:
            attributes[f"{DEK}_{made['group']}"] = binary(bytes.fromhex(made["encrypted_dek"]))
        self.item = {**attributes, PAYLOAD: binary(record.payload()), DEK: binary(bytes.fromhex(self.parts[0]["encrypted_dek"]))}
        self.pairs, self.record = pairs, record


def field(mark, accepts=False, group=None):
    return {"mark": mark, **({"accepts_plaintext": True} if accepts else {}), **({"group": group} if group else {})}


NAME = {"name": field("encrypted")}
GROUPED = {
    "fields": {**NAME, "diagnosis": field("encrypted", group="medical")},
    "groups": {"medical": {"root_key": WARD_KEY.hex()}},
}


def vector(expect, description, made, reader, changes=None, **found):
    item = {name: value for name, value in {**made.item, **(changes or {})}.items() if value is not None}
    return {
        "description": description,
        "expect": expect,
        "content": "item",
        "root_key": ROOT_KEY.hex(),
        "table": TABLE,
        "context_form": "raw",
        "key_names": ["patient_id"],
        "pairs": made.pairs,
        "reader": reader,
        "item": item,
        **found,
    }


def opens(description, made, reader, outcome, changes=None, **found):
    result = vector("opens", description, made, reader, changes, outcome=outcome, **found)
    return {**result, "written": made.parts}


def has(value):
    return {"value": value}


MISSING, WITHHELD = {"missing": True}, {"withheld": True}


def vectors():
    yield from steps()
    yield from without_secrets()
    yield from marks()
    yield from names()
    yield from aliases()
    yield from groups()
    yield from rights()
    yield from search_tags()


def steps():
    made, reader = Item("item-steps"), {"fields": NAME}
    yield "item-opens", opens("one encrypted field", made, reader, {"name": has("Zoë")})
    yield "item-not-sealed", vector("not-sealed", "neither of the two attributes", made, reader, {PAYLOAD: None, DEK: None})
    yield "item-without-dek", vector("incomplete", "no `encrypted_dek`", made, reader, {DEK: None})
    yield "item-without-payload", vector("incomplete", "no `encrypted_payload`", made, reader, {PAYLOAD: None})
    yield "item-payload-text", vector("incomplete", "`encrypted_payload` is a string", made, reader, {PAYLOAD: S("text")})
    yield "item-without-key", vector("key-attribute", "no key attribute", made, reader, {"patient_id": None})
    yield "item-key-type", vector("key-attribute", "a key attribute of type BOOL", made, reader, {"patient_id": {"BOOL": True}})
    yield "item-moved", vector("key-mismatch", "another value of the key", made, reader, {"patient_id": S("p_2")})
    bad = Item("item-steps-pair", pairs=PAIRS)
    bad = vector("format-truncated", "an `encrypted_payload` of one byte", bad, reader, {PAYLOAD: binary(b"\x01")})
    yield "item-payload-truncated", bad


def without_secrets():
    """[4.5-1]: a record with authenticated attributes and no encrypted field."""
    made, reader = Item("item-without-secrets", {}, {"ward": S("west")}, ("ward",)), {"fields": {"ward": field("authenticated")}}
    yield "item-without-secrets", opens("no encrypted field: the payload is an empty map", made, reader, {"ward": has("west")})
    changed = vector("authentication", "no encrypted field, and the authenticated attribute was changed", made, reader, {"ward": S("east")})
    yield "item-without-secrets-changed", changed
    bare = vector("not-sealed", "no encrypted field, and neither of the two attributes", made, reader, {PAYLOAD: None, DEK: None})
    yield "item-without-secrets-not-sealed", bare


READERS = {
    "encrypted": field("encrypted"),
    "encrypted-accepts": field("encrypted", accepts=True),
    "authenticated": field("authenticated"),
    "authenticated-accepts": field("authenticated", accepts=True),
    "plaintext": field("plaintext"),
}


def marks():
    """The table of [8-3], cell by cell."""
    email, changed = S("zoe@example.com"), S("eve@example.com")
    written = {
        "encrypted": (Item("mark-encrypted", {"name": "Zoë", "email": "zoe@example.com"}), None),
        "encrypted-absent": (Item("mark-encrypted-absent", {"name": "Zoë", "email": cbor2.undefined}), None),
        "encrypted-and-attribute": (Item("mark-encrypted", {"name": "Zoë", "email": "zoe@example.com"}), {"email": changed}),
        "encrypted-absent-and-attribute": (Item("mark-encrypted-absent", {"name": "Zoë", "email": cbor2.undefined}), {"email": changed}),
        "authenticated": (Item("mark-authenticated", attributes={"email": email}, authenticated=("email",)), None),
        "authenticated-absent": (Item("mark-authenticated-absent", authenticated=("email",)), None),
        "authenticated-changed": (Item("mark-authenticated", attributes={"email": email}, authenticated=("email",)), {"email": changed}),
        "authenticated-added": (Item("mark-authenticated-absent", authenticated=("email",)), {"email": changed}),
        "neither": (Item("mark-neither", attributes={"email": email}), None),
        "neither-absent": (Item("mark-neither-absent"), None),
    }
    for reader, mark in READERS.items():
        for name, (made, changes) in written.items():
            expect, outcome = cell(mark, name)
            description = f"the reader: {reader}; the record: {name}"
            fields = {"fields": {**NAME, "email": mark}}
            name = f"mark-{reader}-of-{name}"
            if expect == "opens":
                yield name, opens(description, made, fields, {"name": has("Zoë"), "email": outcome}, changes)
            else:
                yield name, vector(expect, description, made, fields, changes)


def cell(mark, written):
    protected, accepts = mark["mark"] != "plaintext", mark.get("accepts_plaintext")
    if written in ("authenticated-changed", "authenticated-added"):
        return "authentication", None
    if written == "encrypted":
        return "opens", has("zoe@example.com")
    if written in ("encrypted-absent", "authenticated-absent", "neither-absent"):
        return "opens", MISSING
    if written in ("encrypted-and-attribute", "encrypted-absent-and-attribute"):
        return ("marks", None) if protected else ("opens", has("eve@example.com"))
    if written == "neither" and protected and not accepts:
        return "marks", None
    return "opens", has("zoe@example.com")


def names():
    """Names that two parts of a record lay claim to, and names that mean something else."""
    reader = {"fields": {**NAME, "email": field("encrypted")}}
    both = Item("mark-both", {"name": "Zoë", "email": "a"}, {"email": S("b")}, ("email",))
    yield "mark-both", vector("marks", "a name both encrypted and authenticated", both, reader)
    both = Item("mark-both-absent", {"name": "Zoë", "email": "a"}, authenticated=("email",))
    yield "mark-both-absent", vector("marks", "a name encrypted, and authenticated as absent", both, reader)
    unknown = Item("mark-both-unknown", {"name": "Zoë", "other": "a"}, {"other": S("b")}, ("other",))
    yield "mark-both-unknown", vector("marks", "a name that the reader does not know, both encrypted and authenticated", unknown, {"fields": NAME})
    strangers = Item("item-strangers", {"name": "Zoë", "other": "a"}, {"plan": S("pro"), "logins": {"N": "7"}}, ("plan",))
    yield "item-strangers", opens("a sealed field, an authenticated and a plain attribute that the reader has no fields for", strangers, {"fields": NAME}, {"name": has("Zoë")})
    listed = Item("item-key-listed", authenticated=("patient_id",))
    yield "item-key-listed", opens("the key attribute is listed as authenticated: it is bound once more", listed, {"fields": NAME}, {"name": has("Zoë")})
    sealed = Item("item-key-sealed", {"name": "Zoë", "patient_id": "p_9"})
    yield "item-key-sealed", opens("a sealed field has the name of the key attribute: the key is read", sealed, {"fields": {**NAME, "patient_id": field("key")}}, {"name": has("Zoë"), "patient_id": has("p_1")})
    reserved = Item("item-reserved-listed", authenticated=(PAYLOAD, DEK))
    yield "item-reserved-listed", opens("`encrypted_payload` and `encrypted_dek` are listed as authenticated: bound as absent", reserved, {"fields": NAME}, {"name": has("Zoë")})
    empty = Item("item-empty-names", {"name": "Zoë", "": "nameless"}, authenticated=("",))
    yield "item-empty-names", vector("marks", "the empty name, sealed and authenticated, is a name like any other", empty, {"fields": NAME})
    empty = Item("item-empty-name", {"name": "Zoë", "": "nameless"}, authenticated=("plan",))
    yield "item-empty-name", opens("a sealed field without a name", empty, {"fields": NAME}, {"name": has("Zoë")})


def aliases():
    """[8-8]: a field that the reader knows under several names."""
    planted = {"mail": S("eve@example.com")}
    accepts = {"fields": {**NAME, "email": {**field("encrypted", accepts=True), "aliases": ["mail"]}}}
    plain = {"fields": {**NAME, "email": {**field("plaintext"), "aliases": ["mail"]}}}
    sealed = Item("item-alias-encrypted", {"name": "Zoë", "email": cbor2.undefined})
    yield "alias-accepts-of-encrypted", vector("marks", "plaintext under an alias of a field that was encrypted, and absent", sealed, accepts, planted)
    bound = Item("item-alias-authenticated", authenticated=("email",))
    yield "alias-accepts-of-authenticated", vector("marks", "plaintext under an alias of a field that was authenticated, and absent", bound, accepts, planted)
    neither = Item("item-alias-neither", attributes={"mail": S("zoe@example.com")})
    yield "alias-accepts-of-neither", opens("plaintext under an alias of a field that was not protected", neither, accepts, {"name": has("Zoë"), "email": has("zoe@example.com")})
    both = Item("item-alias-both", attributes={"mail": S("old@example.com"), "email": S("new@example.com")})
    yield "alias-plaintext-own-name-first", opens("a plaintext field under its own name and an alias", both, plain, {"name": has("Zoë"), "email": has("new@example.com")})


def groups():
    made = Item("item-group", groups={"medical": {"diagnosis": "gout"}})
    later = Item("item-group-later", groups={"medical": {"diagnosis": "healthy"}})
    payload, dek = f"{PAYLOAD}_medical", f"{DEK}_medical"
    both = {"name": has("Zoë"), "diagnosis": has("gout")}

    yield "group-granted", opens("a group that the reader has the key of", made, GROUPED, both)
    stored = {name: made.item[name] for name in (payload, dek)}
    kept = Item("item-group-kept", {"name": "Zoë Zahn"}, stored, (payload,))
    yield "group-kept", opens(
        "the record sealed anew by a writer that cannot read the group, whose two attributes it keeps", kept, GROUPED, {**both, "name": has("Zoë Zahn")}
    )
    unaware = {"fields": {**NAME, "diagnosis": field("encrypted")}}
    yield "group-unknown", opens(
        "a reader that does not know the group: the field is missing, and the group's attributes are none of its own",
        made, unaware, {"name": has("Zoë"), "diagnosis": MISSING},
    )  # fmt: skip
    accepts = {"fields": {**NAME, "diagnosis": field("encrypted", accepts=True)}}
    yield "group-unknown-accepts", vector("marks", "plaintext for a field that may stand in a group which the reader does not know", made, accepts, {"diagnosis": S("healthy")})
    before = Item("item-group-before")
    yield "group-before", opens("the record was written before the group existed", before, GROUPED, {"name": has("Zoë"), "diagnosis": MISSING})
    outside = Item("item-group-outside", {"name": "Zoë", "diagnosis": "gout"})
    yield "group-field-before", opens("the field was encrypted without a group when the record was written", outside, GROUPED, both)
    absent = Item("item-group-absent", groups={"medical": {"diagnosis": cbor2.undefined}})
    yield "group-absent-field", opens("the field of the group has no value", absent, GROUPED, {"name": has("Zoë"), "diagnosis": MISSING})
    added = {name: made.item[name] for name in (payload, dek)}
    for name, change in [("payload", {payload: added[payload]}), ("dek", {dek: added[dek]}), ("both", added)]:
        yield f"group-added-{name}", vector("group", f"a group added to a record that does not list it: {name}", before, GROUPED, change)
    yield "group-payload-missing", vector("authentication", "the group's payload removed: the record authenticates it", made, GROUPED, {payload: None})
    yield "group-payload-replaced", vector("authentication", "the group's payload replaced by another record's", made, GROUPED, {payload: later.item[payload]})
    yield "group-dek-missing", vector("group", "the group's wrapped key removed", made, GROUPED, {dek: None})
    yield "group-dek-text", vector("group", "the group's wrapped key is a string", made, GROUPED, {dek: S("text")})
    yield "group-dek-truncated", vector("format-truncated", "the group's wrapped key is of no length", made, GROUPED, {dek: binary(b"\x01")})
    listed = Item("item-group-listed-absent", authenticated=(payload,))
    yield "group-listed-absent", vector("group", "the record lists the group's payload as absent", listed, GROUPED)
    yield "group-listed-absent-dek", vector("group", "the record lists the group's payload as absent; the wrapped key is there", listed, GROUPED, {dek: added[dek]})
    lists = Item("item-group-lists", attributes={"ward": S("west")}, groups={"medical": {"diagnosis": "gout"}}, group_names=("ward",))
    yield "group-lists-attributes", vector("group", "the group's payload lists an authenticated attribute", lists, GROUPED)
    twice = Item("item-group-twice", {"name": "Zoë", "diagnosis": "healthy"}, groups={"medical": {"diagnosis": "gout"}})
    yield "group-field-twice", vector("malformed-record", "a field in the map of the record and in that of a group", twice, GROUPED)
    both_marks = Item("item-group-marks", attributes={"diagnosis": S("healthy")}, authenticated=("diagnosis",), groups={"medical": {"diagnosis": "gout"}})
    yield "group-field-authenticated", vector("marks", "a field of a group is authenticated as well", both_marks, GROUPED)
    yield "group-field-in-the-clear", vector("marks", "a field of a group stands in the item as well", made, GROUPED, {"diagnosis": S("healthy")})


def rights():
    """[4.6-5]: what withholds a group, and what fails the record."""
    made = Item("item-group", groups={"medical": {"diagnosis": "gout"}})
    dek = f"{DEK}_medical"
    withheld = {"name": has("Zoë"), "diagnosis": WITHHELD}

    def reader(**keys):
        return {**GROUPED, "groups": {"medical": keys}}

    yield "group-withheld-no-key", opens("no key is configured for the group", made, reader(), withheld)
    other = reader(root_key=OTHER_ROOT_KEY.hex())
    yield "group-withheld-other-key", opens("the reader has another key than the group's", made, other, withheld)
    kind, key_id, wrapped = envelope.parse_dek(bytes.fromhex(made.parts[1]["encrypted_dek"]))[1][0]
    changed = binary(envelope.encode_dek("raw", [(kind, flip(key_id, 0), wrapped)]))
    yield "group-withheld-hint-flipped", vector(
        "opens", "a bit of the id flipped, which nothing authenticates: an entitled reader finds the field withheld", made, GROUPED, {dek: changed}, outcome=withheld
    )
    yield "group-withheld-in-the-clear", vector("marks", "a withheld field stands in the item as well", made, other, {"diagnosis": S("healthy")})
    listed = Item("item-group-listed", attributes={"diagnosis": S("gout")}, authenticated=("diagnosis",), groups={"medical": {"allergies": "none"}})
    yield "group-withheld-listed", vector("marks", "a withheld field stands in the item as well, and the record authenticates it", listed, other)
    accepts = {**other, "fields": {**other["fields"], "email": field("encrypted", accepts=True)}}
    planted = {"email": S("eve@example.com")}
    yield "group-withheld-accepts", vector("marks", "plaintext for a field that may stand in the withheld group", made, accepts, planted)
    outside = Item("item-group-moved", {"name": "Zoë", "diagnosis": "gout"}, groups={"medical": {"allergies": "none"}})
    yield "group-withheld-field-outside", vector(
        "marks", "the field was encrypted outside of its group when the record was written, and the group is withheld", outside, other
    )
    granted = {"name": has("Zoë"), "diagnosis": has("gout")}
    yield "group-granted-field-outside", opens("the same record; the reader may read the group", outside, GROUPED, granted)
    changed = binary(envelope.encode_dek("raw", [(kind, key_id, flip(wrapped, 30))]))
    yield "group-key-flipped", vector("key-mismatch", "a bit of the wrapped key flipped: the record fails", made, GROUPED, {dek: changed})
    foreign = Item("item-group-foreign", groups={"medical": {"diagnosis": "gout"}}).item[dek]
    yield "group-key-foreign", vector("authentication", "the group's wrapped key is another record's of the same place", made, GROUPED, {dek: foreign})
    answer = {"key": KMS_KEY.arn, "encryption_context": {}, "ciphertext_blob": seed("group blob", 184).hex(), "plaintext": ""}
    by_kms = binary(envelope.encode_dek("raw", [(2, wrapping.kms_hint(KMS_KEY.arn), bytes.fromhex(answer["ciphertext_blob"]))]))
    refusals = [(expect, refusal) for refusal, expect in wrapping.REFUSALS.items()] + [("key-mismatch", None)]
    for expect, refusal in refusals:
        answers = [{**answer, **({"refuses": refusal} if refusal else {})}]
        keys = reader(kms={"keys": [KMS_KEY.arn], "answers": answers})
        name, what = f"group-kms-{expect.removeprefix('key-')}", f"KMS refuses the group's key: {refusal or 'InvalidCiphertextException'}"
        if expect in ("key-mismatch", "key-unavailable"):
            yield name, vector(expect, f"{what}; the record fails", made, keys, {dek: by_kms})
        else:
            yield name, vector("opens", f"{what}; its fields are withheld", made, keys, {dek: by_kms}, outcome=withheld)


def search_tags():
    """[8-10]: what a reader makes of a tag that it has the definition of, or not."""
    definition = tags.definition(TABLE, "email", [{"name": "email", "steps": []}])
    message = tags.message([{"name": "email", "steps": []}], [S("zoe@example.com")])
    tag = {"blind_email": binary(tags.tag(tags.derive(seed("search key", 32), definition), message))}
    sealed, both = {"name": "Zoë", "email": "zoe@example.com"}, {"name": has("Zoë"), "email": has("zoe@example.com")}
    searchable = {"fields": {**NAME, "email": {**field("encrypted"), "searchable": True}}}
    unaware = {"fields": {**NAME, "email": field("encrypted")}}
    strict = {**unaware, "denies_unknown_fields": True}

    made, before = Item("item-tag", sealed, tag, ("blind_email",)), Item("item-tag-before", sealed)
    absent = Item("item-tag-absent", {"name": "Zoë", "email": cbor2.undefined}, authenticated=("blind_email",))
    yield "tag-listed", opens("a record with a tag, and a reader that has its definition", made, searchable, both)
    yield "tag-listed-absent", opens("a record that lists its tag as absent", absent, searchable, {"name": has("Zoë"), "email": MISSING})
    yield "tag-before", opens("a record that was written without the definition", before, searchable, both)
    yield "tag-before-added", vector("marks", "the same record, to which a tag was added", before, searchable, tag)
    yield "tag-removed", vector("authentication", "the tag was removed", made, searchable, {"blind_email": None})
    yield "tag-added", vector("authentication", "a tag was added to a record that lists it as absent", absent, searchable, tag)
    yield "tag-unaware", opens("a reader without the definition ignores the tag", made, unaware, both)
    yield "tag-unaware-added", opens("a reader without the definition ignores a tag that is not listed", before, unaware, both, tag)
    yield "tag-unaware-removed", vector("authentication", "the tag was removed, and the reader does not have its definition", made, unaware, {"blind_email": None})
    yield "tag-strict", opens("a reader that refuses unknown attributes ignores the tag too", made, strict, both)
    yield "tag-strict-added", opens("the same reader ignores a tag that is not listed", before, strict, both, tag)
    second = Item("item-tag-second", sealed, {**tag, "blind_email+2": tag["blind_email"]}, ("blind_email", "blind_email+2"))
    yield "tag-second", opens("a second tag of the field, which the reader does not know", second, searchable, both)
    claims = Item("item-tag-sealed", {**sealed, "blind_email": "zoe@example.com"}, tag, ("blind_email",))
    yield "tag-sealed", vector("marks", "a sealed field has the name of the tag", claims, searchable)
