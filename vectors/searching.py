"""The vectors of search tags [13]: tags of values, stored tags, and records that a search finds or not."""

import base64

import cbor2

from sealing import B, Case, N, S, flip, opens, refused, seed
from adapters import tags

KEY, OLDER = bytes(range(32)), seed("older search key", 32)
TRIM_LOWER = ["trim", "ascii_lowercase"]
EMAIL = ({"name": "email", "steps": TRIM_LOWER},)


def field(name, *steps):
    return {"name": name, "steps": list(steps)}


def binary(data):
    return B(base64.b64encode(data).decode())


def sealed(value):
    """An encrypted field, as it is in the map of a payload."""
    return {"sealed": (value if isinstance(value, bytes) else cbor2.dumps(value, canonical=True)).hex()}


def tagged(description, *values, fields=EMAIL, name=None, table="users", search_key=KEY, expect=None):
    """A vector of content `tag`. With `expect`, it must be refused for that reason."""
    name = "+".join(each["name"] for each in fields) if name is None else name
    vector = {
        "description": description,
        "expect": expect,
        "content": "tag",
        "search_key": search_key.hex(),
        "table": table,
        "name": name,
        "fields": list(fields),
        "values": list(values),
    }
    if expect:
        return vector
    found = tags.of_vector(vector)
    return {**vector, "expect": "tag" if "tag" in found else "no-tag", **found}


def vectors():
    yield from steps()
    yield from types()
    yield from definitions()
    yield from stored()
    yield from records()


def steps():
    def of(name, description, steps, value):
        return f"search-{name}", tagged(description, S(value), fields=(field("email", *steps),))

    yield "search-email", tagged("the worked example of FORMAT.md, section 13", S("Zoe@Example.com "))
    yield of("email-canonical", "the value of `search-email` after its steps: the same tag", TRIM_LOWER, "zoe@example.com")
    yield of("no-steps", "a text without steps", [], " Zoe@Example.com ")
    yield of("trim", "the five bytes of `trim`, at both ends and inside", ["trim"], "\t\n\f\r a \tb \r\f\n\t")
    yield of("trim-others", "a vertical tab and a no-break space are not trimmed", ["trim"], "\v a \u00a0")
    yield of("lowercase", "A to Z, and letters beyond ASCII as they are", ["ascii_lowercase"], "AZaz@[`{ÀÉ\u212a\u0130ß")
    yield of("digits", "digits alone, of ASCII alone", ["digits"], "+41 (0)79 123-45.67 \u0661\u0662\uff13")
    yield of("steps-swapped", "the steps of `search-email` in the other order: another definition", TRIM_LOWER[::-1], "zoe@example.com")
    yield of("steps-three", "three steps", [*TRIM_LOWER, "digits"], " A1b2 ")
    yield of("steps-twice", "one step twice", ["trim", "trim"], " a ")
    yield of("empty", "an empty text is absent", [], "")
    yield of("empty-after-trim", "a text that is empty after `trim` is absent", ["trim"], " \t\r\n\f")
    yield of("empty-after-digits", "a text without digits is absent after `digits`", ["digits"], "unknown")
    yield of("space", "a space is a value without `trim`", [], " ")
    yield of("not-normalized", "a letter and a combining mark: no step composes them", TRIM_LOWER, "zoe\u0308@example.com")
    yield of("long", "a text of 300 bytes, with a head of three bytes", [], "x" * 300)
    yield of("zero-byte", "a text with a zero byte", ["trim"], "a\0b")
    yield "search-step-unknown", tagged("a step that is not known", S("a"), fields=(field("email", "lowercase"),), expect="step")
    yield "search-step-case", tagged("the name of a step in another case", S("a"), fields=(field("email", "Trim"),), expect="step")


def types():
    def of(name, description, value, *steps, expect=None):
        return f"search-{name}", tagged(description, value, fields=(field("code", *steps),), expect=expect)

    yield of("number", "a number", N("1"))
    yield of("number-point", "the number of `search-number`, written `1.0`: the same tag", N("1.0"))
    yield of("number-exponent", "the number of `search-number`, written `10E-1`: the same tag", N("10E-1"))
    yield of("number-zero", "zero is a value", N("-0.00"))
    yield of("number-negative", "a negative number with a fraction", N("-12.50"))
    yield of("number-small", "the smallest magnitude", N("1E-130"))
    yield of("number-large", "38 digits", N("9" * 38))
    yield of("number-steps", "steps do not concern numbers: `-1.5` after `digits`", N("-1.5"), "digits", "trim")
    yield of("number-39", "39 significant digits", N("1" * 39), expect="number")
    yield of("number-nan", "not a number", N("NaN"), expect="number")
    yield of("text-1", "the text `1` is not the number 1", S("1"))
    yield of("bytes", "bytes, a zero among them", binary(b"1\x00\xff"))
    yield of("bytes-steps", "steps do not concern bytes", binary(b" A1 "), "trim", "ascii_lowercase", "digits")
    yield of("bytes-empty", "no bytes: absent", binary(b""))
    yield of("null", "an attribute NULL is absent", {"NULL": True})
    yield of("absent", "no attribute", None)
    yield of("sealed-text", "an encrypted text", sealed("A-7"))
    yield of("sealed-integer", "an encrypted integer is the number", sealed(1))
    yield of("sealed-negative", "a negative integer of 64 bits", sealed(-(2**64)))
    yield of("sealed-bignum", "a bignum", sealed(2**64))
    yield of("sealed-bignum-negative", "a negative bignum", sealed(-(2**64) - 1))
    yield of("sealed-bignum-39", "an integer of 39 significant digits", sealed(2**128 - 1), expect="number")
    yield of("sealed-bignum-zeros", "an integer of 39 digits, of which one is significant", sealed(10**38))
    yield of("sealed-bytes", "an encrypted byte string", sealed(cbor2.dumps(b"1\x00\xff")))
    yield of("sealed-null", "`null` is absent", sealed(None))
    yield of("sealed-undefined", "`undefined` is absent", sealed(cbor2.undefined))
    for kind, value in {"float": 1.5, "bool": True, "array": ["a"], "map": {"a": "b"}}.items():
        yield of(f"sealed-{kind}", f"an encrypted {kind}", sealed(value), expect="search-value")
    for kind, value in {"BOOL": True, "L": [S("a")], "M": {"a": S("a")}, "SS": ["a"], "NS": ["1"], "BS": ["AA=="]}.items():
        yield of(f"attribute-{kind.lower()}", f"an attribute of type {kind}", {kind: value}, expect="search-value")


NAMES = (field("last", *TRIM_LOWER), field("first", *TRIM_LOWER))


def definitions():
    value = S("zoe@example.com")
    yield "search-key-older", tagged("another search key: another generation, another tag", value, search_key=OLDER)
    yield "search-table", tagged("another table", value, table="Users")
    yield "search-second", tagged("a second tag of one field", value, name="email+2")
    yield "search-field", tagged("another field", value, fields=(field("mail", *TRIM_LOWER),))
    yield "search-name-long", tagged("names with heads of two and three bytes", value, fields=(field("f" * 24),), table="t" * 256)
    yield "search-name-text", tagged("names beyond ASCII", value, fields=(field("adresse_électronique"),), table="Utilisateurs é")
    yield "search-two", tagged("two fields", S(" Smith"), S("ANN"), fields=NAMES)
    yield "search-two-swapped", tagged("two fields in the other order", S("ANN"), S(" Smith"), fields=NAMES[::-1])
    yield "search-two-one-name", tagged("the fields of `search-two-swapped` under the name of `search-two`", S("ANN"), S(" Smith"), fields=NAMES[::-1], name="last+first")
    two = (field("a"), field("b"))
    yield "search-two-boundary", tagged("`ab` and `c`", S("ab"), S("c"), fields=two)
    yield "search-two-boundary-moved", tagged("`a` and `bc`: another tag than `search-two-boundary`", S("a"), S("bc"), fields=two)
    yield "search-two-types", tagged("a number and bytes", N("7.0"), binary(b"7"), fields=two)
    yield "search-two-first-absent", tagged("no tag without the first value", None, S("Ann"), fields=NAMES)
    yield "search-two-last-empty", tagged("no tag with an empty last value", S("Smith"), S(" "), fields=NAMES)
    many = tuple(field(f"f{i}", *(["trim"] * (i % 3))) for i in range(24))
    yield "search-24", tagged("24 fields: heads of two bytes", *(S(f" {i}") for i in range(24)), fields=many)


def stored():
    """Tags as they are stored."""
    tag = tag_of(S("zoe@example.com"))

    def of(name, description, data, expect="parsed"):
        found = {"generation": data[1:5].hex()} if expect == "parsed" else {}
        return f"search-stored-{name}", {"description": description, "expect": expect, "content": "stored-tag", "tag": data.hex(), **found}

    yield of("parsed", "the tag of `search-email`", tag)
    yield of("zeros", "every 21 bytes of version 1 are a tag", b"\1" + bytes(20))
    yield of("empty", "no bytes", b"", "format-truncated")
    yield of("version-alone", "the version alone", tag[:1], "format-truncated")
    yield of("truncated", "without the last byte", tag[:-1], "format-truncated")
    yield of("trailing", "with a byte more", tag + b"\0", "format-trailing")
    for version in (0, 2, 255):
        data = bytes([version]) + tag[1:]
        yield of(f"version-{version}", f"version {version}", data, "format-unknown-version")
    yield of("version-2-long", "another version and another length: the version is looked at first", b"\2" + bytes(40), "format-unknown-version")


def tag_of(*values, **definition):
    return bytes.fromhex(tagged("", *values, **definition)["tag"])


def records():
    zoe, eve = tag_of(S("zoe@example.com")), tag_of(S("eve@example.com"))

    def case(name, email="Zoe@Example.com ", tag=zoe, listed=("blind_email",), **changes):
        attributes = {"plan": S("pro"), **({"blind_email": binary(tag)} if tag else {}), **changes.pop("attributes", {})}
        fields = changes.pop("fields", {"email": email, "name": "Zoë"})
        return Case(name, attributes=attributes, authenticated=("plan", *listed), fields=fields, **changes)

    def search(*question, keys=(KEY,), fields=EMAIL, name=None):
        name = "+".join(each["name"] for each in fields) if name is None else name
        return {"search_keys": [key.hex() for key in keys], "name": name, "fields": list(fields), "question": list(question)}

    def found(name, description, made, asked):
        """A record that opens, and what a search for `asked` makes of it."""
        vector = {**opens(description, made), "search": asked}
        return f"search-record-{name}", {**vector, "search": tags.search(vector, made.plain(), made.authenticated)}

    def bad(name, description, made, **attributes):
        changed = {each: value for each, value in {**made.attributes, **attributes}.items() if value is not None}
        return f"search-record-{name}", refused("authentication", description, made, attributes=changed)

    base, asks = case("search-record"), search(S("zoe@example.com"))
    absent = case("search-record-absent", email=cbor2.undefined, tag=None)
    yield found("found", "a record with a tag, searched for", base, asks)
    yield found("other", "another value is searched for", base, search(S("eve@example.com")))
    yield found("empty-question", "an empty value is searched for: no tag is asked for", base, search(S(" ")))
    yield found("absent", "a record without a value: its tag is absent, but listed", absent, asks)
    yield found("null", "a record whose value is `null`", case("search-record-null", email=None, tag=None), asks)
    yield found("absent-question", "an empty value finds no record without a value", absent, search(S("")))
    yield found("unlisted", "a record that was written without the definition", case("search-record-unlisted", tag=None, listed=()), asks)
    older = case("search-record-older", tag=tag_of(S("zoe@example.com"), search_key=OLDER))
    yield found("older", "the tag of an older version of the search key, and both versions searched for", older, search(S("zoe@example.com"), keys=(KEY, OLDER)))
    yield found("older-retired", "the tag of a version that is no longer searched for: the index does not list the record", older, asks)
    copied = case("search-record-copied", email="eve@example.com", tag=zoe, listed=())
    yield found("copied", "the tag of another record, put into a record that lists none: listed by the index, no match", copied, asks)
    clear = case("search-record-clear", fields={"name": "Zoë"}, tag=zoe, listed=(), attributes={"email": S("zoe@example.com")})
    yield found("clear", "the same, with a value in plaintext: it is not authentic, so it does not match", clear, asks)
    former = case("search-record-former", email="eve@example.com", tag=zoe)
    yield found("former", "the tag of another value than the sealed one, stored by a writer in error: no match", former, asks)
    two = (field("clinic"), *EMAIL)
    tag = tag_of(S("c_7"), S("zoe@example.com"), fields=two)
    place = {"attributes": {"clinic": S("c_7"), "blind_clinic+email": binary(tag)}, "listed": ("clinic", "blind_clinic+email", "blind_email")}
    both = case("search-record-two", **place)
    yield found("two", "two tags: of an authenticated attribute with the field, and of the field", both, search(S("c_7"), S("ZOE@example.com"), fields=two))
    yield found("two-one", "the other tag of the same record", both, asks)
    yield found("two-other", "another value of the authenticated attribute", both, search(S("c_8"), S("zoe@example.com"), fields=two))
    own = (field("user_id"), *EMAIL)
    tag = tag_of(S("u_12345"), S("zoe@example.com"), fields=own)
    keyed = case("search-record-key", tag=None, listed=("blind_user_id+email",), attributes={"blind_user_id+email": binary(tag)})
    yield found("key", "a tag of the partition key with the field", keyed, search(S("u_12345"), S("zoe@example.com"), fields=own))
    second = case("search-record-second", tag=None, listed=("blind_email+2",), attributes={"blind_email+2": binary(tag_of(S("zoe@example.com"), name="email+2"))})
    yield found("second", "a second tag of one field, alone", second, search(S("zoe@example.com"), name="email+2"))

    yield bad("removed", "the tag removed", base, blind_email=None)
    yield bad("exchanged", "the tag of another value", base, blind_email=binary(eve))
    yield bad("older-exchanged", "the tag of the same value, under an older version of the search key", base, blind_email=binary(tag_of(S("zoe@example.com"), search_key=OLDER)))
    yield bad("added", "a tag added to a record that lists it as absent", absent, blind_email=binary(zoe))
    yield bad("null-added", "NULL in place of an absent tag", absent, blind_email={"NULL": True})
    for position, part in {0: "version", 1: "generation", 20: "HMAC"}.items():
        yield bad(f"flipped-{position}", f"one bit of the tag's {part}", base, blind_email=binary(flip(zoe, position)))
    yield bad("truncated", "the tag without its last byte", base, blind_email=binary(zoe[:-1]))
    yield bad("text", "the tag as base64 text, of type S", base, blind_email=S(base64.b64encode(zoe).decode()))
    yield bad("moved", "the tag under the name of another", both, **{"blind_email": both.attributes["blind_clinic+email"], "blind_clinic+email": both.attributes["blind_email"]})
