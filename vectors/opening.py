"""The vectors that open: each stands for something a reader may get wrong."""

import base64, struct

import cbor2

from sealing import OTHER_ROOT_KEY, B, Case, N, S, envelope, key, opens, seed, wrapping

ALL_TYPES = {
    "s": S("text"),
    "n": N("-12.5"),
    "b": B(base64.b64encode(b"\x00\xff").decode()),
    "bool_true": {"BOOL": True},
    "bool_false": {"BOOL": False},
    "null": {"NULL": True},
    "l": {"L": [S("a"), N("1"), {"L": []}]},
    "m": {"M": {"inner": S("value"), "empty": {"M": {}}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
    "bs": {"BS": ["AA==", "AQ=="]},
}
ODD_SETS = {
    # Bytewise, not CBOR order: "aa" before "b", "-1" before "10" before "9".
    "ss": {"SS": ["b", "z", "aa", "é", "", "\U0001f511", "\uffee", "Z"]},
    "ns": {"NS": ["10", "9", "-1", "0", "1e1", "9.0", "0.5", "-0"]},
    "bs": {"BS": ["Ag==", "AQA=", "AQ==", "/w==", ""]},
}
ODD_NUMBERS = {
    f"n{i:02}": N(text)
    for i, text in enumerate(
        ["1.0", "01", "+1", "10E-1", "1e0", "-0", "0.000", ".5", "5.", "-1.50e2", "1E125", "1e-130", "00012.3400"]
    )
}
NESTED = {
    "profile": {
        "M": {
            # CBOR order: "b", "z", "aa", "é" (two bytes), "bbb".
            "bbb": {"L": [{"M": {"x": N("1.0"), "": S("")}}, {"NS": ["2", "1.0"]}]},
            "é": {"NULL": True},
            "aa": {"M": {"deep": {"M": {"deeper": {"L": [{"L": [{"BOOL": False}]}]}}}}},
            "z": S("last of one byte"),
            "b": {"BS": ["/w==", "AA=="]},
        }
    }
}
LONG = "a_name_longer_than_twenty_three_bytes"
BASE = Case("record-local-raw", pairs={"purpose": "pii"})
TWO_KEYS = (key("device", S("thermostat-9")), key("at", N("1763000000.250")))


def record(name, **changes):
    return Case(name, **changes)


def strangers(count):
    """Wrapped keys that this reader cannot use."""
    return tuple((200, seed(f"stranger {i}", 3), seed(f"stranger {i} wrapped", 40)) for i in range(count))


def other_root(name):
    data_key = seed(f"{name}: data key", 32)
    salt = seed("another root's wrap salt", 24)
    context = Case(name).encryption_context()
    return 1, wrapping.local_id(OTHER_ROOT_KEY), wrapping.local_wrap(OTHER_ROOT_KEY, salt, context, data_key)


def floats():
    """Fields of 16, 32 and 64 bits, which no single encoder writes."""
    half, single, double = b"\xf9\x3e\x00", b"\xfa" + struct.pack(">f", 100000.0), b"\xfb" + struct.pack(">d", 1.1)
    tiny, whole = b"\xf9\x02\x00", b"\xfb" + struct.pack(">d", 1.0)
    names = [b"\x64half", b"\x66single", b"\x66double", b"\x64tiny", b"\x65whole"]
    return b"\xa5" + b"".join(n + v for n, v in zip(names, [half, single, double, tiny, whole]))


def nested_plaintext(levels):
    return b"\xa1\x64deep" + b"\x81" * (levels - 1) + b"\x80"


INTEGERS = [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63, 2**64 - 1, -1, -24, -25, -256, -257, -(2**63)]
BIG = [2**64, 2**72, 2**128 - 1, -(2**64), -(2**64) - 1, -(2**72) - 1, -(2**127)]


def vectors():
    yield "record-local-raw", opens("the worked example of FORMAT.md, section 11", BASE)
    yield "record-local-hashed", opens(
        "context form `hashed`: the partition key is a digest in the encryption context",
        record("record-local-hashed", form="hashed", pairs={"purpose": "pii"}),
    )
    yield "record-local-table", opens(
        "context form `table`: the encryption context carries the table alone",
        record("record-local-table", form="table", pairs={"purpose": "pii"}),
    )
    for form in ("raw", "hashed", "table"):
        name = f"record-sort-key-{form}"
        yield name, opens(
            f"partition key S and sort key N, form `{form}`",
            record(name, form=form, table="readings", keys=TWO_KEYS, attributes={}, authenticated=()),
        )
    for label, value in [("string", S("Zoë")), ("number", N("1.50e2")), ("bytes", B("AAH+/w=="))]:
        for form in ("raw", "hashed"):
            name = f"record-key-{label}-{form}"
            yield name, opens(
                f"a partition key of type {next(iter(value))}, form `{form}`",
                record(name, form=form, keys=(key("id", value),)),
            )
    yield from authenticated_attributes()
    yield from names_and_pairs()
    yield from plaintexts()
    yield from wrapped_keys()
    yield from raw_bytes()


def authenticated_attributes():
    def bound(name, description, attributes, authenticated=None):
        authenticated = tuple(attributes) if authenticated is None else authenticated
        return name, opens(description, record(name, attributes=attributes, authenticated=authenticated))

    yield bound("record-authenticated-none", "no authenticated attribute: the list of names is empty", {"plan": S("pro")}, ())
    yield bound("record-authenticated-all-types", "authenticated attributes of all ten DynamoDB types", ALL_TYPES)
    yield bound("record-authenticated-sets", "sets in odd order, with numbers that are equal: bound in bytewise order, once", ODD_SETS)
    yield bound("record-authenticated-numbers", "numbers in odd spellings", ODD_NUMBERS)
    yield bound("record-authenticated-nested", "nested maps and lists; map keys in CBOR order", NESTED)
    yield bound("record-authenticated-absent", "an authenticated attribute that the item does not have is bound as absent", {"plan": S("pro")}, ("plan", "frozen"))
    digits = "12345678901234567890123456789012345678"
    yield bound(
        "record-numbers-38-digits",
        "numbers at DynamoDB's limits: 38 digits, 1E-130, 9.99..E+125",
        {
            "whole": N(digits),
            "fraction": N("-0." + digits),
            "zeros": N(digits + "000.000"),
            "least": N("1E-130"),
            "most": N("9." + "9" * 37 + "E+125"),
            "smallest": N("-9." + "9" * 37 + "E+125"),
        },
    )


def names_and_pairs():
    zeros = {f"n{i}": N(text) for i, text in enumerate(["0", "-0", "0e0", "0E-999999999", "0e+999999999", ".000", "0" * 60])}
    yield "record-numbers-zero", opens(
        "zero in every spelling, with any exponent: it has no magnitude",
        record("record-numbers-zero", attributes=zeros, authenticated=tuple(zeros)),
    )
    doubled = {"ss": {"SS": ["a", "b", "a"]}, "bs": {"BS": ["AQ==", "AA==", "AQ=="]}}
    yield "record-sets-doubled", opens(
        "sets in which an element stands twice, which DynamoDB does not store: bound once",
        record("record-sets-doubled", attributes=doubled, authenticated=tuple(doubled)),
    )
    pairs = {"aws": "1", "awsx:": "2", "x-aws:": "3", "tables": "4", "É": "5", "é": "6"}
    yield "record-pair-names", opens(
        "names of pairs that are not reserved, and two that are equal but for the case of a letter that is not ASCII",
        record("record-pair-names", pairs=pairs),
    )
    yield "record-pairs", opens(
        "extra pairs, in the encryption context and in the associated data, in CBOR order",
        record("record-pairs", pairs={"tenant": "t_7", "purpose": "pii", "b": "1", "aa": "2", "Région": "Île-de-France"}),
    )
    yield "record-names-non-ascii", opens(
        "table, key, attributes, pairs and fields beyond ASCII; order by the length of the UTF-8, then bytewise",
        record(
            "record-names-non-ascii",
            table="用户",
            keys=(key("идентификатор", S("Ω-1")), key("größe", N("2"))),
            attributes={"é": S("1"), "zz": S("2"), "z": S("3"), "🔑": S("4"), "ｚ": S("5"), "план": S("про")},
            authenticated=("🔑", "план", "é", "zz", "ｚ", "z"),
            pairs={"目的": "個人情報"},
            fields={"メール": "ぞえ@例え.jp", "🔒": "🗝"},
        ),
    )
    attributes = {LONG: S("1"), "x" * 255: S("2"), "y" * 256: S("3"), "z" * 23: S("4"), "w" * 24: S("5")}
    yield "record-names-long", opens(
        "names of 23, 24, 255 and 256 bytes and more: heads of one, two and three bytes",
        record(
            "record-names-long",
            table="t" * 300,
            keys=(key("k" * 255, S("v" * 2048)),),
            attributes=attributes,
            authenticated=tuple(attributes),
            pairs={"p" * 24: "q" * 256},
            fields={"f" * 300: "1", "g" * 24: "2"},
        ),
    )
    for count in (23, 24, 256):
        name = f"record-names-{count}"
        attributes = {f"a{i}": N(str(i)) for i in range(count)}
        yield name, opens(
            f"{count} authenticated attributes: the list of names has a head of {1 if count < 24 else 2 if count < 256 else 3} bytes",
            record(name, attributes=attributes, authenticated=tuple(attributes)),
        )


def plaintexts():
    def holds(name, description, **changes):
        return name, opens(description, record(name, **changes))

    yield holds("record-empty", "no encrypted field: an empty map", fields={})
    yield holds(
        "record-absent-field",
        "an encrypted field without a value stands in the map as `undefined`",
        fields={"email": "zoë@example.com", "ssn": cbor2.undefined},
    )
    yield holds("record-integers", "integers at the edges of every head", fields={"integers": INTEGERS})
    yield holds("record-bignums", "integers around and beyond 64 bits, up to 128", fields={"bignums": BIG})
    yield holds("record-floats", "floats of 16, 32 and 64 bits, not the shortest among them", plaintext=floats())
    yield holds(
        "record-values",
        "every other kind of value",
        fields={"true": True, "false": False, "null": None, "bytes": b"\x00\xff", "text": "", "list": [[], {}], "map": {"a": {"b": [1]}}},
    )
    yield holds(
        "record-map-keys",
        "maps inside fields may have keys of any kind, in any order",
        fields={"by_number": {7: "seven", -1: "minus one"}, "by_bytes": {b"\x00": True}, "names": {"b": 1, "aa": 2, "a": 3}},
    )
    yield holds("record-fields-300", "300 fields: the map has a head of three bytes", fields={f"field_{i}": i for i in range(300)})
    yield holds("record-nesting-128", "a field nested 128 deep", plaintext=nested_plaintext(128))
    yield holds(
        "record-large",
        "a field of 65,600 bytes: a head of five bytes",
        fields={"letter": "".join(f"line {i:05}\n" for i in range(5964))[:65600]},
    )


def wrapped_keys():
    def wrapped(name, description, **changes):
        return name, opens(description, record(name, **changes))

    yield wrapped(
        "record-wrapped-keys",
        "a key of an unknown kind, one of KMS and one of another root key first: all passed over",
        before=(strangers(1)[0], (2, seed("hint", 4), seed("blob", 184)), other_root("record-wrapped-keys")),
        after=strangers(1),
    )
    yield wrapped("record-wrapped-keys-16", "sixteen wrapped keys, this root key's the last", before=strangers(15))
    yield wrapped(
        "record-wrapped-key-sizes",
        "ids of 0 and 255 bytes, wrapped keys of 1 and 6,144 bytes",
        before=((201, b"", b"\x01"), (255, bytes(255), seed("longest", 6144)), (0, b"\x00", b"\x00")),
    )


def raw_bytes():
    def bare(name, description, plaintext, **changes):
        changes = {"keys": (), "attributes": {}, "authenticated": (), "table": "orders-queue"} | changes
        return name, opens(description, Case(name, content="bytes", plaintext=plaintext, **changes))

    yield bare("bytes-local", "content `bytes`, bound to a table and a pair", b"4111 1111 1111 1111", pairs={"order": "o_1"})
    yield bare("bytes-empty", "content `bytes` of no length", b"")
    yield bare("bytes-table-alone", "content `bytes`, bound to a table alone, form `table`", bytes(range(256)), form="table")
    yield bare(
        "bytes-keys-and-attributes",
        "content `bytes` with keys and authenticated attributes",
        b"bytes that are no CBOR",
        form="hashed",
        keys=TWO_KEYS,
        attributes={"plan": S("pro")},
        authenticated=("plan", "absent"),
    )
