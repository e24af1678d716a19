"""What the cases are made of: a thing to seal, sealed with keys and salts that follow from its name."""

import hashlib
from dataclasses import dataclass, field, replace

import cbor2
from cryptography.hazmat.primitives import serialization

from adapters import chunked, envelope, wrapping

S, N, B = (lambda value, kind=kind: {kind: value} for kind in "SNB")


def seed(label, length):
    """Bytes that look random and are the same on every machine."""
    return hashlib.shake_256(f"envelope vectors v1: {label}".encode()).digest(length)


ROOT_KEY = seed("root key", 32)
OTHER_ROOT_KEY = seed("another root key", 32)


def key(name, value):
    return {"name": name, "value": value}


@dataclass(frozen=True)
class KmsKey:
    """A key of KMS, and the id of the key material that it names with its answers, if it does."""

    arn: str
    material: str | None


@dataclass(frozen=True)
class Case:
    """Something to seal, and where a reader finds it. `seeds` names its keys and salts."""

    seeds: str
    content: str = "record"
    form: str = "raw"
    table: str = "users"
    keys: tuple = (key("user_id", S("u_12345")),)
    attributes: dict = field(default_factory=lambda: {"plan": S("pro"), "logins": N("7")})
    authenticated: tuple = ("plan",)
    pairs: dict = field(default_factory=dict)
    fields: object = field(default_factory=lambda: {"email": "zoë@example.com", "address": {"city": "Genève"}})
    plaintext: bytes | None = None  # in place of fields
    before: tuple = ()  # wrapped keys before this writer's own
    after: tuple = ()
    branch: tuple = ()  # keys of the branch as (version, key), the active one first
    kms: KmsKey | None = None
    other_kms: tuple = ()  # further keys that the reader has, before `kms`
    rsa: object = None  # a private key; without any of the three, the root key

    def but(self, **changes):
        return replace(self, **changes)

    def context(self):
        """The fields of a vector that say where the reader finds what is sealed."""
        return {
            "table": self.table,
            "context_form": self.form,
            "keys": list(self.keys),
            "attributes": self.attributes,
            "pairs": self.pairs,
        }

    def place(self):
        return envelope.place(self.table, self.form, list(self.keys), self.attributes, self.pairs)

    def reader(self):
        """The fields of a vector that say which keys its reader has."""
        if self.branch:
            return branch_reader(self.branch)
        if self.kms:
            keys = [key.arn for key in (*self.other_kms, self.kms)]
            return {"kms": {"keys": keys, "answers": [self.kms_answer()]}}
        if self.rsa:
            encoding = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            return {"rsa_key": self.rsa.private_bytes(*encoding).hex()}
        return {"root_key": ROOT_KEY.hex()}

    def kms_answer(self):
        """What KMS made, and gives back for the same encryption context."""
        return {
            "key": self.kms.arn,
            **({"key_material_id": self.kms.material} if self.kms.material else {}),
            "encryption_context": self.encryption_context(),
            "ciphertext_blob": seed(f"{self.seeds}: blob", 184).hex(),
            "plaintext": self.data_key().hex(),
        }

    def data_key(self):
        if self.branch:
            return wrapping.branch_data_key(self.branch[0][1], self.wrap_salt(), self.encryption_context())
        return seed(f"{self.seeds}: data key", 32)

    def salt(self):
        return seed(f"{self.seeds}: salt", 24)

    def wrap_salt(self):
        return seed(f"{self.seeds}: wrap salt", 32 if self.rsa else 24)

    def plain(self):
        return cbor2.dumps(self.fields) if self.plaintext is None else self.plaintext

    def encryption_context(self):
        return self.place().encryption_context()

    def associated_data(self):
        return self.place().associated_data(self.content, self.authenticated)

    def own_entry(self):
        if self.branch:
            return 3, self.branch[0][0], self.wrap_salt()
        if self.kms:
            answer = self.kms_answer()
            hint = wrapping.kms_hint(answer["key"], answer.get("key_material_id"))
            return 2, hint, bytes.fromhex(answer["ciphertext_blob"])
        if self.rsa:
            public = self.rsa.public_key()
            wrapped = wrapping.rsa_wrap(public, self.encryption_context(), self.data_key(), self.wrap_salt())
            return 4, wrapping.rsa_id(public), wrapped
        wrapped = wrapping.local_wrap(ROOT_KEY, self.wrap_salt(), self.encryption_context(), self.data_key())
        return 1, wrapping.local_id(ROOT_KEY), wrapped

    def entries(self):
        return [*self.before, self.own_entry(), *self.after]

    def dek(self):
        return envelope.encode_dek(self.form, self.entries())

    def payload(self):
        return envelope.seal(
            self.data_key(), self.salt(), self.authenticated, self.associated_data(), self.plain()
        )


def opens(description, case):
    """A vector that opens, with every value on the way to its bytes."""
    message_key, commitment = envelope.derive(case.data_key(), case.salt())
    vector = {
        "description": description,
        "expect": "opens",
        "content": case.content,
        **case.reader(),
        **case.context(),
        "encrypted_payload": case.payload().hex(),
        "encrypted_dek": case.dek().hex(),
        "data_key": case.data_key().hex(),
        "salt": case.salt().hex(),
        "wrap_salt": case.wrap_salt().hex(),
        "encryption_context": case.encryption_context(),
        "wrapped_keys": [{"kind": k, "id": i.hex(), "wrapped_key": w.hex()} for k, i, w in case.entries()],
        "message_key": message_key.hex(),
        "commitment": commitment.hex(),
        "authenticated_names": sorted(case.authenticated, key=lambda name: (len(name.encode()), name.encode())),
        "associated_data": case.associated_data().hex(),
        "plaintext": case.plain().hex(),
    }
    if case.content in envelope.MAPS:
        fields = case.fields if case.plaintext is None else envelope.fields_of(case.plain())
        vector["field_names"] = list(fields)
        if is_json(fields):
            vector["fields"] = fields
    return vector


def is_json(value, depth=0):
    """Whether any JSON reader sees the same value: no bytes, no `undefined`, no integer beyond 64 bits, no deep nesting."""
    if depth > 32:
        return False
    if isinstance(value, dict):
        return all(isinstance(name, str) and is_json(inner, depth + 1) for name, inner in value.items())
    if isinstance(value, list):
        return all(is_json(inner, depth + 1) for inner in value)
    if isinstance(value, float):
        return abs(value) < float("inf")
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return value is None or isinstance(value, str)


def branch_reader(keys):
    return {"branch_keys": [{"version": version.hex(), "key": key.hex()} for version, key in keys]}


def refused(expect, description, case, payload=None, dek=None, reader=None, **found):
    """A vector that must not open: `case` as sealed, but for the bytes, the keys or the place given."""
    return {
        "description": description,
        "expect": expect,
        "content": found.pop("content", case.content),
        **(case.reader() if reader is None else reader),
        **{**case.context(), **found},
        "encrypted_payload": (case.payload() if payload is None else payload).hex(),
        "encrypted_dek": (case.dek() if dek is None else dek).hex(),
    }


def flip(data, position, bit=0):
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)
