"""Values, contexts, and the bytes of records, written from docs/FORMAT.md alone; numbers in brackets are its sections."""

import base64, hashlib, re
from dataclasses import dataclass, field, replace
from decimal import Decimal

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMS, NONCE = ["raw", "hashed", "table"], bytes(12)
CONTENTS = {name: f"envelope-{name}" for name in ("record", "bytes", "group", "stream")}
MAPS = ("record", "group")  # contents that are a map of fields
RESERVED_PAIRS = ("table", "partition_key", "sort_key", "envelope")


class Refused(Exception):
    """Why something does not open: `kind` is one of the names in vectors/README.md."""

    def __init__(self, kind, why):
        super().__init__(f"{kind}: {why}")
        self.kind = kind


def refuse_if(condition, kind, why):
    if condition:
        raise Refused(kind, why)


def hkdf(key, salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def cbor(value):
    return cbor2.dumps(value, canonical=True)


# --- values and context [2, 5]: attributes come in DynamoDB JSON, {"S": "text"}; an absent one is None ---


def canonical_number(text):  # [2.2]
    refuse_if(not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", text, re.ASCII), "number", "not a number")
    sign, digits, exponent = Decimal(text).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    exponent, digits = exponent + len(digits) - len(digits.rstrip("0")), digits.rstrip("0")
    if not digits:
        return "0"
    refuse_if(len(digits) > 38 or not -130 <= exponent + len(digits) - 1 <= 125, "number", "out of range")
    return format(Decimal((sign, tuple(map(int, digits)), exponent)), "f")


def canonical(attribute):  # [2.1]
    if attribute is None:
        return cbor2.undefined
    ((kind, value),) = attribute.items()
    plain = {"S": str, "N": canonical_number, "B": base64.b64decode, "BOOL": bool, "NULL": bool}
    if kind in plain:
        return [kind, plain[kind](value)]
    if kind in ("SS", "NS", "BS"):  # utf-8 keeps the order of code points, so texts may be compared as Python does
        return [kind, sorted({plain[kind[0]](element) for element in value})]
    return [kind, [canonical(v) for v in value] if kind == "L" else {k: canonical(v) for k, v in value.items()}]


@dataclass(frozen=True)
class Context:
    """Where a reader finds what is sealed [5.1]; `keys` and `attributes` hold DynamoDB JSON."""

    table: str
    form: str
    keys: list
    attributes: dict
    pairs: dict = field(default_factory=dict)

    def __post_init__(self):
        check_pairs(self.pairs)

    def encryption_context(self):
        return encryption_context(self)

    def check_form(self, written):  # [3.2-3]
        refuse_if(written != self.form, "context-form", f"written with the form {written}")

    def with_pair(self, name, value):
        refuse_if(ascii_lower(name) in map(ascii_lower, self.pairs), "pair", "the pair's name is taken")
        return replace(self, pairs={**self.pairs, name: value})


def ascii_lower(text):
    return "".join(c.lower() if c.isascii() else c for c in text)


def check_pairs(pairs):  # [5.1, 5.1-1]
    names = [ascii_lower(name) for name in pairs]
    reserved = [name for name in names if name.startswith("aws:") or name in RESERVED_PAIRS]
    refuse_if(reserved, "pair", "a reserved name")
    refuse_if(len(set(names)) < len(names), "pair", "two names that are equal but for ASCII case")
    refuse_if(not all([*pairs.keys(), *pairs.values()]), "pair", "an empty name or value")


def encryption_context(context):  # [5.2]
    result = dict(context.pairs, table=context.table)
    for role, key in zip(["partition_key", "sort_key"], context.keys):
        kind, value = canonical(key["value"])
        if context.form == "raw":
            result[role] = base64.b64encode(value).decode() if kind == "B" else value
        if context.form == "hashed":
            digest = hashlib.sha256(cbor(["envelope-key-digest", context.table, key["name"], [kind, value]]))
            result[role] = base64.b64encode(digest.digest()).decode()
    return result


def associated_data(content, context, names):  # [5.3]
    keys = [[key["name"], canonical(key["value"])] for key in context.keys]
    authenticated = {name: canonical(context.attributes.get(name)) for name in names}
    return cbor([CONTENTS[content], 1, 1, context.table, keys, authenticated, context.pairs])


# --- reading bytes: one strict reader for headers and for CBOR ---


class Reader:
    def __init__(self, data, truncated, malformed, trailing):
        self.data, self.at = data, 0
        self.truncated, self.malformed, self.trailing = truncated, malformed, trailing

    def take(self, count):
        refuse_if(self.at + count > len(self.data), self.truncated, "ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self, count=1):
        return int.from_bytes(self.take(count))

    def end(self):
        refuse_if(self.at != len(self.data), self.trailing, "bytes after the end")

    def head(self):
        major, info = divmod(self.integer(), 32)
        refuse_if(info > 27, self.malformed, "indefinite or reserved length")
        if major == 7:  # the bits of a float, or a simple value
            return major, info, self.take([1, 2, 4, 8][info - 24]) if info >= 24 else info
        argument = self.integer(1 << (info - 24)) if info >= 24 else info
        least = 0 if info < 24 else 24 if info == 24 else 1 << (8 << (info - 25))
        refuse_if(argument < least, self.malformed, "not the shortest head")
        return major, info, argument

    def text(self, count):
        try:
            return self.take(count).decode()
        except UnicodeDecodeError:
            raise Refused(self.malformed, "not utf-8") from None

    def names(self):  # [4.2-1]
        major, _, count = self.head()
        refuse_if(major != 4, self.malformed, "names are not an array")
        names = []
        for _ in range(count):
            major, _, length = self.head()
            refuse_if(major != 3, self.malformed, "a name is not text")
            names.append(self.text(length))
            order = [(len(name.encode()), name.encode()) for name in names[-2:]]
            refuse_if(len(order) == 2 and order[0] >= order[1], self.malformed, "names out of order")
        return names

    def item(self, depth=0, undefined=False):  # [4.5]
        major, info, argument = self.head()
        depth += major in (4, 5)
        refuse_if(depth > 128, self.malformed, "nested too deeply")
        if major < 2:
            return -1 - argument if major else argument
        if major == 2:
            return self.take(argument)
        if major == 3:
            return self.text(argument)
        if major == 4:
            return [self.item(depth) for _ in range(argument)]
        if major == 5:
            pairs = [(self.item(depth), self.item(depth)) for _ in range(argument)]
            return dict(pairs) if all(isinstance(key, str) for key, _ in pairs) else pairs
        if major == 6:
            refuse_if(argument not in (2, 3), self.malformed, "a tag that is not allowed")
            major, _, length = self.head()
            refuse_if(major != 2 or not 9 <= length <= 16, self.malformed, "not a bignum")
            number = self.take(length)
            refuse_if(number[0] == 0, self.malformed, "a bignum with leading zeros")
            return int.from_bytes(number) if argument == 2 else -1 - int.from_bytes(number)
        if info in (25, 26, 27):
            return cbor2.loads(bytes([0xE0 | info]) + argument)
        refuse_if(info not in (20, 21, 22) and not (undefined and info == 23), self.malformed, "a simple value")
        return {20: False, 21: True, 22: None, 23: cbor2.undefined}[info]

    def record(self):  # [4.5-1]
        major, _, count = self.head()
        refuse_if(major != 5, self.malformed, "not a map")
        result = {}
        for _ in range(count):
            major, _, length = self.head()
            refuse_if(major != 3, self.malformed, "a name is not text")
            name = self.text(length)
            refuse_if(name in result, self.malformed, "a name twice")
            result[name] = self.item(undefined=True)
        self.end()
        return result


# --- encrypted_dek [3] and encrypted_payload [4] ---


def encode_dek(form, entries):
    """`entries` are (kind, id, wrapped key)."""
    encoded = [bytes([kind, len(i)]) + i + len(wrapped).to_bytes(2) + wrapped for kind, i, wrapped in entries]
    return bytes([1, FORMS.index(form), len(entries)]) + b"".join(encoded)


def parse_dek(data):  # [3.2]
    reader = Reader(data, "format-truncated", "format-malformed", "format-trailing")
    refuse_if(reader.integer() != 1, "format-unknown-version", "encrypted_dek")
    form, count = reader.integer(), reader.integer()
    refuse_if(form > 2 or not 1 <= count <= 16, "format-malformed", "context form or count")
    entries = []
    for _ in range(count):
        kind, key_id, length = reader.integer(), reader.take(reader.integer()), reader.integer(2)
        refuse_if(not 1 <= length <= 6144, "format-malformed", "length of a wrapped key")
        entries.append((kind, key_id, reader.take(length)))
    reader.end()
    return FORMS[form], entries


def derive(data_key, salt):  # [4.3]: message key, commitment
    okm = hkdf(data_key, salt, b"envelope payload 1 1", 64)
    return okm[:32], okm[32:]


def seal(data_key, salt, names, aad, plaintext):  # [4.4]
    message_key, commitment = derive(data_key, salt)
    names = cbor(sorted(names, key=lambda name: (len(name.encode()), name.encode())))
    return b"\1\1" + salt + commitment + names + AESGCM(message_key).encrypt(NONCE, plaintext, aad)


def parse_payload(data):  # [4.2]: salt, commitment, names, ciphertext and tag
    reader = Reader(data, "format-truncated", "format-malformed", "format-trailing")
    refuse_if(reader.integer() != 1, "format-unknown-version", "encrypted_payload")
    refuse_if(reader.integer() != 1, "format-unknown-suite", "encrypted_payload")
    salt, commitment, names = reader.take(24), reader.take(32), reader.names()
    sealed = reader.take(len(data) - reader.at)
    refuse_if(len(sealed) < 16, "format-truncated", "no room for the tag")
    return salt, commitment, names, sealed
