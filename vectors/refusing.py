"""The vectors that must not open: one thing is wrong with each, and the others stay as `record-local-raw` has them."""

import cbor2

from opening import BASE, TWO_KEYS, other_root, strangers
from sealing import OTHER_ROOT_KEY, ROOT_KEY, N, S, envelope, flip, key, refused, seed, wrapping

PAYLOAD, DEK = BASE.payload(), BASE.dek()
NAMES = 58  # where the list of names starts, [4.2]
NAMES_END = NAMES + len(cbor2.dumps(["plan"]))
OTHER = BASE.but(seeds="another row", keys=(key("user_id", S("u_67890")),))


def vectors():
    for group in (payload_headers, name_lists, dek_headers, keys, changed_bytes, places, numbers_and_pairs, attributes, rows, contents, plaintexts):
        yield from group()


def payload_headers():
    def bad(name, expect, description, payload):
        return f"payload-{name}", refused(expect, description, BASE, payload=payload)

    yield bad("empty", "format-truncated", "encrypted_payload of no length", b"")
    for version in (0, 2, 255):
        yield bad(f"version-{version}", "format-unknown-version", f"encrypted_payload of version {version}", bytes([version]) + PAYLOAD[1:])
    yield bad("version-2-alone", "format-unknown-version", "a version is refused before what follows is read", b"\x02")
    for suite in (0, 2, 255):
        yield bad(f"suite-{suite}", "format-unknown-suite", f"encrypted_payload of suite {suite}", b"\x01" + bytes([suite]) + PAYLOAD[2:])
    for length, where in [
        (1, "the version"),
        (2, "the suite"),
        (25, "the last byte but one of the salt"),
        (26, "the salt"),
        (57, "the last byte but one of the commitment"),
        (58, "the commitment"),
        (59, "the head of the list of names"),
        (61, "some bytes of a name"),
        (NAMES_END, "the list of names"),
        (NAMES_END + 15, "fewer bytes than a tag has"),
    ]:
        yield bad(f"truncated-{length}", "format-truncated", f"encrypted_payload ends after {where}", PAYLOAD[:length])
    yield bad("truncated-ciphertext", "authentication", "encrypted_payload without its last byte", PAYLOAD[:-1])
    yield bad("tag-alone", "authentication", "encrypted_payload without its ciphertext", PAYLOAD[:NAMES_END] + PAYLOAD[-16:])
    yield bad("trailing", "authentication", "a byte after the tag", PAYLOAD + b"\x00")


def name_lists():
    def bad(name, description, names, expect="format-malformed"):
        case = BASE.but(attributes={"plan": S("pro"), "b": S("1")}, authenticated=("plan", "b"))
        payload = case.payload()
        end = NAMES + len(cbor2.dumps(["b", "plan"]))
        return f"names-{name}", refused(expect, description, case, payload=payload[:NAMES] + names + payload[end:])

    yield bad("unsorted", "names in another order than CBOR's", b"\x82\x64plan\x61b")
    yield bad("twice", "a name twice", b"\x83\x61b\x61b\x64plan")
    yield bad("long-head-array", "an array head longer than needed", b"\x98\x02\x61b\x64plan")
    yield bad("long-head-text", "a text head longer than needed", b"\x82\x78\x01b\x64plan")
    yield bad("indefinite-array", "an array of indefinite length", b"\x9f\x61b\x64plan\xff")
    yield bad("indefinite-text", "a text of indefinite length", b"\x82\x7f\x61b\xff\x64plan")
    yield bad("map", "a map in place of the array", b"\xa1\x61b\x64plan")
    yield bad("bytes", "a byte string in place of a name", b"\x82\x41b\x64plan")
    yield bad("not-utf-8", "a name that is not UTF-8", b"\x82\x61\xff\x64plan")
    yield bad("reserved-head", "a head with reserved additional information", b"\x9c\x61b\x64plan")
    yield bad("count-too-large", "more names counted than there are: what follows them is no name", b"\x9b" + b"\xff" * 8 + b"\x61b\x64plan", "format-malformed")
    yield bad("length-too-large", "a name longer than what follows", b"\x82\x61b\x7b" + b"\xff" * 8 + b"plan", "format-truncated")
    yield bad("one-less", "a name taken off the list", b"\x81\x64plan", "authentication")
    yield bad("one-more", "a name put on the list", b"\x83\x61b\x64plan\x66logins", "authentication")
    yield bad("other", "a name exchanged for another", b"\x82\x61c\x64plan", "authentication")


def dek_headers():
    def bad(name, expect, description, dek):
        return f"dek-{name}", refused(expect, description, BASE, dek=dek)

    entry = DEK[3:]
    yield bad("empty", "format-truncated", "encrypted_dek of no length", b"")
    for version in (0, 2, 255):
        yield bad(f"version-{version}", "format-unknown-version", f"encrypted_dek of version {version}", bytes([version]) + DEK[1:])
    yield bad("form-unknown", "format-malformed", "a context form that is not assigned", b"\x01\x03" + DEK[2:])
    yield bad("form-hashed", "context-form", "another context form than the reader's: hashed", b"\x01\x01" + DEK[2:])
    yield bad("form-table", "context-form", "another context form than the reader's: table", b"\x01\x02" + DEK[2:])
    yield bad("no-keys", "format-malformed", "no wrapped key", b"\x01\x00\x00")
    yield bad("17-keys", "format-malformed", "seventeen wrapped keys", b"\x01\x00\x11" + entry * 17)
    yield bad("zero-length-key", "format-malformed", "a wrapped key of no length", b"\x01\x00\x02\xc8\x00\x00\x00" + entry)
    too_long = b"\xc8\x00" + (6145).to_bytes(2, "big") + bytes(6145)
    yield bad("key-too-long", "format-malformed", "a wrapped key of 6,145 bytes", b"\x01\x00\x02" + too_long + entry)
    for length, where in [
        (1, "the version"),
        (2, "the context form"),
        (3, "the count"),
        (4, "the kind"),
        (5, "the length of the id"),
        (12, "the last byte but one of the id"),
        (14, "one byte of the length"),
        (15, "the length"),
        (len(DEK) - 1, "the last byte but one"),
    ]:
        yield bad(f"truncated-{length}", "format-truncated", f"encrypted_dek ends after {where}", DEK[:length])
    yield bad("count-one-more", "format-truncated", "one wrapped key more counted than there is", b"\x01\x00\x02" + entry)
    yield bad("count-one-less", "format-trailing", "one wrapped key fewer counted than there is", b"\x01\x00\x01" + entry * 2)
    yield bad("trailing", "format-trailing", "a byte after the last wrapped key", DEK + b"\x00")


def keys():
    def bad(name, expect, description, entries, **changes):
        dek = envelope.encode_dek("raw", entries)
        return f"key-{name}", refused(expect, description, BASE, dek=dek, **changes)

    kind, key_id, wrapped = BASE.own_entry()
    foreign = BASE.but(seeds="not the data key of record-local-raw")
    yield bad("of-unknown-kinds", "key-wrong", "wrapped keys of unknown kinds alone", strangers(2))
    yield bad("of-another-kind", "key-wrong", "the right id under another kind", [(2, key_id, wrapped)])
    yield bad("of-another-id", "key-wrong", "another id than the root key's", [(kind, flip(key_id, 0), wrapped)])
    yield bad("id-shorter", "key-wrong", "the root key's id without its last byte", [(kind, key_id[:-1], wrapped)])
    yield "key-root-wrong", refused("key-wrong", "another root key than the writer's", BASE, reader={"root_key": OTHER_ROOT_KEY.hex()})
    yield bad("of-another-root", "key-mismatch", "wrapped by another root key, under this one's id", [(kind, key_id, other_root("x")[2])])
    yield bad("salt-flipped", "key-mismatch", "a bit of the wrap salt flipped", [(kind, key_id, flip(wrapped, 0))])
    yield bad("flipped", "key-mismatch", "a bit of the wrapped key flipped", [(kind, key_id, flip(wrapped, 24))])
    yield bad("tag-flipped", "key-mismatch", "a bit of the wrapped key's tag flipped", [(kind, key_id, flip(wrapped, -1, 7))])
    yield bad("shorter", "key-mismatch", "a wrapped key without its last byte", [(kind, key_id, wrapped[:-1])])
    yield bad("longer", "key-mismatch", "a wrapped key with a byte more", [(kind, key_id, wrapped + b"\x00")])
    yield bad("tiny", "key-mismatch", "a wrapped key of one byte", [(kind, key_id, b"\x00")])
    short = wrapping.local_wrap(ROOT_KEY, BASE.wrap_salt(), BASE.encryption_context(), bytes(16))
    yield bad("of-16-bytes", "key-mismatch", "an authentic wrapping of a key of 16 bytes", [(kind, key_id, short)])
    yield bad("not-this-payloads", "authentication", "an authentic wrapping of another data key", [foreign.own_entry()])


def changed_bytes():
    def bad(name, description, payload):
        return f"changed-{name}", refused("authentication", description, BASE, payload=payload)

    yield bad("salt", "a bit of the salt flipped", flip(PAYLOAD, 2))
    yield bad("commitment", "a bit of the commitment flipped", flip(PAYLOAD, 57, 7))
    yield bad("ciphertext", "a bit of the ciphertext flipped", flip(PAYLOAD, NAMES_END))
    yield bad("tag", "a bit of the tag flipped", flip(PAYLOAD, -1))
    _, another = envelope.derive(seed("the key committed to", 32), BASE.salt())
    yield bad(
        "commitment-to-another-key",
        "GCM's tag is right under the data key, but the payload commits to another",
        PAYLOAD[:26] + another + PAYLOAD[58:],
    )
    another_key = BASE.but(seeds="the key sealed under")
    message_key, _ = envelope.derive(another_key.data_key(), BASE.salt())
    sealed = envelope.AESGCM(message_key).encrypt(envelope.NONCE, BASE.plain(), BASE.associated_data())
    yield bad("sealed-under-another-key", "the commitment is right, but GCM's tag is another key's", PAYLOAD[:NAMES_END] + sealed)


def places():
    """Found elsewhere than written. What the encryption context holds, the key notices first; the rest, the payload."""

    def bad(name, expect, description, case=BASE, **found):
        return f"place-{name}", refused(expect, description, case, **found)

    raw, hashed, table = BASE, BASE.but(form="hashed", seeds="hashed"), BASE.but(form="table", seeds="table")
    moved = [key("user_id", S("u_67890"))]
    for form, case, expect in [("raw", raw, "key-mismatch"), ("hashed", hashed, "key-mismatch"), ("table", table, "authentication")]:
        yield bad(f"key-value-{form}", expect, f"another value of the partition key, form `{form}`", case, keys=moved)
        yield bad(f"sort-key-added-{form}", expect, f"a sort key more, form `{form}`", case, keys=[*case.keys, key("at", N("1"))])
    for form, case, expect in [("raw", raw, "authentication"), ("hashed", hashed, "key-mismatch")]:
        yield bad(f"key-name-{form}", expect, f"another name of the partition key, form `{form}`", case, keys=[key("userid", S("u_12345"))])
    numeric = BASE.but(seeds="a numeric key", keys=(key("user_id", S("12345")),))
    yield bad("key-type-raw", "authentication", "a key of type N in place of S, form `raw`", numeric, keys=[key("user_id", N("12345"))])
    numeric = numeric.but(form="hashed", seeds="a numeric key, hashed")
    yield bad("key-type-hashed", "key-mismatch", "a key of type N in place of S, form `hashed`", numeric, keys=[key("user_id", N("12345"))])
    binary = BASE.but(seeds="a binary key", keys=(key("user_id", S("AAH+")),))
    yield bad("key-type-bytes", "authentication", "a key of type B whose base64 is the key of type S", binary, keys=[key("user_id", {"B": "AAH+"})])
    composite = BASE.but(seeds="a composite key", keys=TWO_KEYS)
    yield bad("sort-key-value", "key-mismatch", "another value of the sort key", composite, keys=[TWO_KEYS[0], key("at", N("1763000001"))])
    yield bad("sort-key-removed", "key-mismatch", "no sort key any more", composite, keys=[TWO_KEYS[0]])
    swapped = [key("device", S("1763000000.25")), key("at", S("thermostat-9"))]
    yield bad("keys-swapped", "key-mismatch", "the values of the two keys swapped", composite, keys=swapped)
    composite = composite.but(seeds="a composite key, table", form="table")
    yield bad("keys-turned", "authentication", "sort key and partition key in turned order, form `table`", composite, keys=[*reversed(TWO_KEYS)])
    yield bad("table", "key-mismatch", "another table", table="customers")
    yield bad("table-case", "key-mismatch", "the table's name in another case", table="Users")
    yield bad("table-form", "key-mismatch", "another table, form `table`", table, table="customers")
    yield bad("pair-value", "key-mismatch", "another value of a pair", pairs={"purpose": "billing"})
    yield bad("pair-name", "key-mismatch", "another name of a pair", pairs={"Purpose": "pii"})
    yield bad("pair-removed", "key-mismatch", "a pair fewer", pairs={})
    yield bad("pair-added", "key-mismatch", "a pair more", pairs={"purpose": "pii", "tenant": "t_7"})


def numbers_and_pairs():
    """What cannot be bound [2.2-2, 5.1-1]: refused before any key is asked for."""

    def bad_number(name, text, description):
        attributes = {**BASE.attributes, "plan": {"N": text}}
        return f"number-{name}", refused("number", description, BASE, attributes=attributes)

    yield bad_number("empty", "", "no digit")
    yield bad_number("sign", "-", "a sign without a digit")
    yield bad_number("point", ".", "a point without a digit")
    yield bad_number("points", "1.2.3", "two points")
    yield bad_number("exponent-empty", "1e", "an exponent without a digit")
    yield bad_number("exponent-long", "1e0000000001", "an exponent of ten digits")
    yield bad_number("exponent-fraction", "1e1.5", "an exponent that is not whole")
    yield bad_number("digits-39", "1" * 39, "39 significant digits")
    yield bad_number("digits-39-zeros", "1." + "0" * 37 + "1", "39 significant digits, most of them zeros in between")
    yield bad_number("large", "1E126", "a magnitude above 9.99..E+125")
    yield bad_number("small", "-9.9E-131", "a magnitude below 1E-130")
    yield bad_number("nan", "NaN", "not a number")
    yield bad_number("infinity", "Infinity", "not a number")
    yield bad_number("hexadecimal", "0x10", "not a decimal number")
    yield bad_number("blank", " 1", "a blank before the number")
    yield bad_number("underscore", "1_000", "an underscore between digits")
    yield bad_number("other-digits", "１２", "digits that are not ASCII")
    yield "number-in-a-set", refused("number", "no number, in a set", BASE, attributes={"plan": {"NS": ["1", "x"]}})
    nested = {"plan": {"M": {"a": {"L": [{"N": "1e126"}]}}}}
    yield "number-nested", refused("number", "no number, in a list in a map", BASE, attributes=nested)
    yield "number-key", refused("number", "a key that is no number", BASE, keys=[key("user_id", {"N": "1e126"})])

    def bad_pair(name, description, *pairs):
        return f"pair-{name}", refused("pair", description, BASE, more_pairs=[list(pair) for pair in pairs])

    reserved = ["aws:x", "AWS:x", "aWs:", "table", "Table", "partition_key", "PARTITION_KEY", "sort_key", "Sort_Key", "envelope", "Envelope"]
    for i, name in enumerate(reserved):
        yield bad_pair(f"reserved-{i}", f"a pair with the reserved name `{name}`", (name, "1"))
    yield bad_pair("name-twice", "a name twice", ("purpose", "1"), ("purpose", "2"))
    yield bad_pair("name-twice-but-for-case", "two names that are equal but for ASCII case", ("purpose", "1"), ("PURPOSE", "2"))
    yield bad_pair("without-name", "a pair without a name", ("", "1"))
    yield bad_pair("without-value", "a pair without a value", ("purpose", ""))


def attributes():
    many = BASE.but(
        seeds="attributes",
        attributes={"plan": S("pro"), "limit": N("10"), "tags": {"SS": ["a", "b"]}, "address": {"M": {"zip": S("1201")}}},
        authenticated=("plan", "limit", "tags", "address", "frozen"),
    )

    def bad(name, description, remove=None, **changes):
        found = {k: v for k, v in {**many.attributes, **changes}.items() if k != remove}
        return f"attribute-{name}", refused("authentication", description, many, attributes=found)

    yield bad("changed", "another value of an authenticated attribute", plan=S("enterprise"))
    yield bad("number-changed", "another number", limit=N("1E2"))
    yield bad("type-changed", "another type with the same text", limit=S("10"))
    yield bad("removed", "an authenticated attribute removed", remove="plan")
    yield bad("added", "an attribute that was bound as absent added", frozen={"BOOL": True})
    yield bad("added-null", "an attribute that was bound as absent added as NULL", frozen={"NULL": True})
    yield bad("set-grown", "an element added to a set", tags={"SS": ["a", "b", "c"]})
    yield bad("set-to-list", "a list in place of a set", tags={"L": [S("a"), S("b")]})
    yield bad("nested-changed", "a value inside a map changed", address={"M": {"zip": S("1202")}})
    yield bad("nested-added", "an entry added to a map", address={"M": {"zip": S("1201"), "city": S("Genève")}})


def rows():
    for form in ("raw", "hashed", "table"):
        here, there = (case.but(form=form, seeds=f"{case.seeds}, {form}") for case in (BASE, OTHER))
        of_key = "authentication" if form == "table" else "key-mismatch"
        yield f"row-payload-{form}", refused("authentication", f"the payload of another row, form `{form}`", here, payload=there.payload())
        yield f"row-dek-{form}", refused(of_key, f"the wrapped key of another row, form `{form}`", here, dek=there.dek())
        yield f"row-both-{form}", refused(of_key, f"payload and wrapped key of another row, form `{form}`", here, payload=there.payload(), dek=there.dek())
    old = BASE.but(seeds="an older version of the row", attributes={"plan": S("free"), "logins": N("1")})
    yield "row-older-payload", refused("authentication", "the payload of an older version of the row", BASE, payload=old.payload())
    yield "row-older-dek", refused("authentication", "the wrapped key of an older version of the row", BASE, dek=old.dek())
    yield "row-older-attribute", refused("authentication", "an older version of the row, its attributes the newer", BASE, payload=old.payload(), dek=old.dek())


def contents():
    bare = BASE.but(content="bytes", seeds="bytes for a record", plaintext=BASE.plain(), fields=None)
    yield "content-bytes-as-record", refused("authentication", "content `bytes` opened as a record", bare, content="record")
    yield "content-record-as-bytes", refused("authentication", "content `record` opened as bytes", BASE, content="bytes")


def plaintexts():
    """Authentic, but not what section 4.5 allows: the writer was at fault."""

    def bad(name, description, plaintext):
        case = BASE.but(seeds=f"malformed {name}", plaintext=plaintext, fields=None)
        return f"malformed-{name}", refused("malformed-record", description, case)

    def in_field(name, description, value):
        return bad(name, description, b"\xa1\x65email" + value)

    yield bad("empty", "a plaintext of no length", b"")
    yield bad("array", "an array in place of the map", b"\x81\x65email")
    yield bad("text", "a text in place of the map", b"\x65email")
    yield bad("null", "null in place of the map", b"\xf6")
    yield bad("trailing", "a byte after the map", b"\xa0\x00")
    yield bad("name-twice", "a name twice", b"\xa2\x65email\x61a\x65email\x61b")
    yield bad("name-bytes", "a name that is a byte string", b"\xa1\x45email\x61a")
    yield bad("name-not-utf-8", "a name that is not UTF-8", b"\xa1\x61\xff\x61a")
    yield bad("name-long-head", "a name's head longer than needed", b"\xa1\x78\x05email\x61a")
    yield bad("long-head", "the map's head longer than needed", b"\xb8\x01\x65email\x61a")
    yield bad("indefinite", "a map of indefinite length", b"\xbf\x65email\x61a\xff")
    yield bad("one-less", "an entry fewer than counted", b"\xa2\x65email\x61a")
    yield bad("one-more", "an entry more than counted", b"\xa1\x65email\x61a\x64name\x61b")
    yield bad("value-missing", "a name without a value", b"\xa1\x65email")
    yield in_field("text-truncated", "a text cut short", b"\x62a")
    yield in_field("text-not-utf-8", "a text that is not UTF-8", b"\x61\xff")
    yield in_field("text-indefinite", "a text of indefinite length", b"\x7f\x61a\xff")
    yield in_field("bytes-indefinite", "a byte string of indefinite length", b"\x5f\x41a\xff")
    yield in_field("array-indefinite", "an array of indefinite length", b"\x9f\x01\xff")
    yield in_field("map-indefinite", "a map of indefinite length inside a field", b"\xbf\x61a\x01\xff")
    yield in_field("integer-long-head", "an integer in more bytes than needed", b"\x18\x17")
    yield in_field("date", "a date: tag 0", b"\xc0\x74" + b"2013-03-21T20:04:00Z")
    yield in_field("time", "a time: tag 1", b"\xc1\x1a\x51\x4b\x67\xb0")
    for tag, what in [(1, "a time"), (4, "a decimal fraction"), (23, "expected hexadecimal"), (24, "encoded CBOR")]:
        head = bytes([0xC0 | tag]) if tag < 24 else bytes([0xD8, tag])
        yield in_field(f"tag-{tag}", f"tag {tag}, {what}, before bytes as a bignum has them", head + b"\x49\x01" + bytes(8))
    yield in_field("tag-inside", "a tag inside an array", b"\x81\xd8\x20\x61a")
    yield in_field("self-described", "the tag of self-described CBOR", b"\xd9\xd9\xf7\x01")
    yield in_field("bignum-small", "a bignum that fits 64 bits", b"\xc2\x41\x01")
    yield in_field("bignum-8", "a bignum of 8 bytes, the longest that an integer could say", b"\xc2\x48" + b"\xff" * 8)
    yield in_field("bignum-zeros", "a bignum with a leading zero", b"\xc2\x4a\x00\x01" + bytes(8))
    yield in_field("bignum-17", "a bignum of 17 bytes", b"\xc2\x51\x01" + bytes(16))
    yield in_field("bignum-text", "a bignum's tag before a text", b"\xc2\x69" + b"123456789")
    yield in_field("bignum-float", "a bignum's tag before a float", b"\xc2\xfb\x3f\xf0" + bytes(6))
    yield in_field("undefined-inside", "`undefined` inside an array", b"\x81\xf7")
    yield in_field("simple", "a simple value that is not assigned", b"\xf0")
    yield in_field("simple-two-bytes", "a simple value of two bytes", b"\xf8\xff")
    yield in_field("reserved-head", "a head with reserved additional information", b"\x1c")
    yield in_field("break", "a break without a beginning", b"\xff")
    yield in_field("nesting-129", "a field nested 129 deep", b"\x81" * 128 + b"\x80")
    yield in_field("huge-array", "an array of 2^64 - 1 elements", b"\x9b" + b"\xff" * 8)
