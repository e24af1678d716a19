"""A reader and writer of envelope records, written from docs/FORMAT.md alone; numbers in brackets are its sections.

    python envelope.py ../../vectors/v1/*.json     opens each vector, with its keys, and prints what comes out
"""

import base64, hashlib, hmac, json, re, sys
from decimal import Decimal
from functools import partial

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMS, NONCE = ["raw", "hashed", "table"], bytes(12)
CONTENTS = {name: f"envelope-{name}" for name in ("record", "bytes", "group", "stream")}
MAPS = ("record", "group")  # contents that are a map of fields


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
    refuse_if(not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?", text, re.ASCII), "value", "not a number")
    sign, digits, exponent = Decimal(text).as_tuple()
    digits = "".join(map(str, digits)).lstrip("0")
    exponent, digits = exponent + len(digits) - len(digits.rstrip("0")), digits.rstrip("0")
    if not digits:
        return "0"
    refuse_if(len(digits) > 38 or not -130 <= exponent + len(digits) - 1 <= 125, "value", "number out of range")
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


def encryption_context(context, form):  # [5.2]
    result = dict(context["pairs"], table=context["table"])
    for role, key in zip(["partition_key", "sort_key"], context["keys"]):
        kind, value = canonical(key["value"])
        if form == "raw":
            result[role] = base64.b64encode(value).decode() if kind == "B" else value
        if form == "hashed":
            digest = hashlib.sha256(cbor(["envelope-key-digest", context["table"], key["name"], [kind, value]]))
            result[role] = base64.b64encode(digest.digest()).decode()
    return result


def associated_data(content, context, names):  # [5.3]
    keys = [[key["name"], canonical(key["value"])] for key in context["keys"]]
    authenticated = {name: canonical(context["attributes"].get(name)) for name in names}
    return cbor([CONTENTS[content], 1, 1, context["table"], keys, authenticated, context["pairs"]])


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


# --- keys [3, 6.1, 6.3] and payload [4] ---


def local_key_id(root_key):
    return hkdf(root_key, b"", b"envelope local root key id", 8)


def local_wrap(root_key, wrap_salt, kms_context, data_key):
    aad = cbor(["envelope-local-wrap", kms_context])
    return wrap_salt + AESGCM(hkdf(root_key, wrap_salt, b"envelope local wrap 1", 32)).encrypt(NONCE, data_key, aad)


def local_unwrap(root_key, entries, kms_context):
    mine = [wrapped for kind, key_id, wrapped in entries if (kind, key_id) == (1, local_key_id(root_key))]
    refuse_if(not mine, "key-wrong", "no wrapped key is for this root key")
    wrapped, aad = mine[0], cbor(["envelope-local-wrap", kms_context])
    try:
        key = hkdf(root_key, wrapped[:24], b"envelope local wrap 1", 32)
        data_key = AESGCM(key).decrypt(NONCE, wrapped[24:], aad)
    except InvalidTag:
        raise Refused("key-mismatch", "the wrapped key belongs to another context, or was changed") from None
    refuse_if(len(data_key) != 32, "key-mismatch", "not a data key")
    return data_key


def branch_derive(branch_key, salt, kms_context):  # [6.3]
    return hkdf(branch_key, salt, cbor(["envelope-branch-key", kms_context]), 32)


def branch_unwrap(branch_keys, entries, kms_context):
    """The first entry whose version the branch has; `branch_keys` are those of the reader's own branch, by version."""
    for kind, version, salt in entries:
        if kind != 3 or len(version) != 16:
            continue
        refuse_if(len(salt) != 24, "key-mismatch", "not a salt")
        if version in branch_keys:
            return branch_derive(branch_keys[version], salt, kms_context)
    raise Refused("key-wrong", "no wrapped key is of this branch")


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


def open_payload(payload, dek, content, context, form, unwrap):
    """Steps 2 to 8 of section 7: plaintext, and what a record holds. `unwrap` takes entries and encryption context."""
    salt, commitment, names, sealed = parse_payload(payload)
    written_form, entries = parse_dek(dek)
    refuse_if(written_form != form, "context-form", f"written with the form {written_form}")
    data_key = unwrap(entries, encryption_context(context, form))
    message_key, expected = derive(data_key, salt)
    try:
        refuse_if(not hmac.compare_digest(commitment, expected), "authentication", "does not open")
        plaintext = AESGCM(message_key).decrypt(NONCE, sealed, associated_data(content, context, names))
    except InvalidTag:
        raise Refused("authentication", "does not open") from None
    fields = None
    if content in MAPS:
        fields = Reader(plaintext, *["malformed-record"] * 3).record()
        refuse_if(set(fields) & set(names), "marks", "a name both encrypted and authenticated")  # [8-2]
    return plaintext, fields


# --- streams [12] ---


def stream_derive(data_key, salt, exponent):  # [12.3]: stream key, commitment
    okm = hkdf(data_key, salt, b"envelope stream 1 1" + bytes([exponent]), 64)
    return okm[:32], okm[32:]


def chunk_nonce(index, last):  # [12.3]
    return bytes(7) + index.to_bytes(4) + bytes([last])


def seal_chunks(stream_key, exponent, aad, plaintext):  # [12.4]
    size, cipher = 1 << exponent, AESGCM(stream_key)
    chunks = [plaintext[at : at + size] for at in range(0, len(plaintext), size)] or [b""]
    nonces = [chunk_nonce(index, index == len(chunks) - 1) for index in range(len(chunks))]
    return [cipher.encrypt(nonce, chunk, aad) for nonce, chunk in zip(nonces, chunks)]


def stream_header(exponent, salt, commitment, dek):  # [12.2]
    return b"envs" + bytes([1, 1, exponent]) + salt + commitment + len(dek).to_bytes(4) + dek


def seal_stream(data_key, salt, exponent, dek, aad, plaintext):
    stream_key, commitment = stream_derive(data_key, salt, exponent)
    return stream_header(exponent, salt, commitment, dek) + b"".join(seal_chunks(stream_key, exponent, aad, plaintext))


def parse_stream_header(reader):  # [12.2]
    refuse_if(any(reader.integer() != byte for byte in b"envs"), "format-malformed", "not a stream")
    refuse_if(reader.integer() != 1, "format-unknown-version", "stream")
    refuse_if(reader.integer() != 1, "format-unknown-suite", "stream")
    exponent = reader.integer()
    refuse_if(not 10 <= exponent <= 20, "format-malformed", "chunk size")
    salt, commitment, length = reader.take(24), reader.take(32), reader.integer(4)
    refuse_if(not 1 <= length <= 102451, "format-malformed", "length of encrypted_dek")
    return exponent, salt, commitment, reader.take(length)


def open_stream(data, context, form, unwrap, release):
    """Section 12.5: calls `release` with the plaintext of each chunk, as soon as it is known to be authentic."""
    reader = Reader(data, "format-truncated", "format-malformed", "format-trailing")
    exponent, salt, commitment, dek = parse_stream_header(reader)
    written_form, entries = parse_dek(dek)
    refuse_if(written_form != form, "context-form", f"written with the form {written_form}")
    data_key = unwrap(entries, encryption_context(context, form))
    stream_key, expected = stream_derive(data_key, salt, exponent)
    refuse_if(not hmac.compare_digest(commitment, expected), "authentication", "does not open")
    aad = associated_data("stream", context, context["attributes"])
    chunks, size, cipher = data[reader.at :], (1 << exponent) + 16, AESGCM(stream_key)
    for index, at in enumerate(range(0, max(len(chunks), 1), size)):
        chunk, last = chunks[at : at + size], at + size >= len(chunks)
        refuse_if(len(chunk) < 16 or len(chunk) == 16 and index > 0, "authentication", "does not open")
        try:
            release(cipher.decrypt(chunk_nonce(index, last), chunk, aad))
        except InvalidTag:
            raise Refused("authentication", "does not open") from None


def unwrap_of(vector):
    """What unwraps with the keys that the vector's reader has."""
    if "branch_keys" in vector:
        keys = {bytes.fromhex(entry["version"]): bytes.fromhex(entry["key"]) for entry in vector["branch_keys"]}
        return partial(branch_unwrap, keys)
    return partial(local_unwrap, bytes.fromhex(vector["root_key"]))


def open_vector(vector):
    payload, dek = (bytes.fromhex(vector[field]) for field in ("encrypted_payload", "encrypted_dek"))
    return open_payload(payload, dek, vector["content"], vector, vector["context_form"], unwrap_of(vector))


def open_stream_vector(vector, release):
    open_stream(bytes.fromhex(vector["stream"]), vector, vector["context_form"], unwrap_of(vector), release)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            vector = json.load(file)
        try:
            if vector["content"] == "stream":
                open_stream_vector(vector, lambda chunk: print(f"{path}: {chunk.hex()}"))
                continue
            plaintext, fields = open_vector(vector)
            print(f"{path}: {plaintext.hex() if fields is None else fields}")
        except Refused as refused:
            print(f"{path}: {refused}")
