"""What the cases are made of: a thing to seal, sealed with keys and salts that follow from its name."""

import hashlib, pathlib, sys
from dataclasses import dataclass, field, replace

import cbor2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "docs" / "interop"))
import chunked, envelope, wrapping

S, N, B = (lambda value, kind=kind: {kind: value} for kind in "SNB")


def seed(label, length):
    """Bytes that look random and are the same on every machine."""
    return hashlib.shake_256(f"envelope vectors v1: {label}".encode()).digest(length)


ROOT_KEY = seed("root key", 32)
OTHER_ROOT_KEY = seed("another root key", 32)


def key(name, value):
    return {"name": name, "value": value}


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
    branch: tuple = ()  # keys of the branch as (version, key), the active one first; empty: under the root key

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
        return envelope.Context(self.table, self.form, list(self.keys), self.attributes, self.pairs)

    def reader(self):
        """The fields of a vector that say which keys its reader has."""
        return branch_reader(self.branch) if self.branch else {"root_key": ROOT_KEY.hex()}

    def data_key(self):
        if self.branch:
            return wrapping.branch_data_key(self.branch[0][1], self.wrap_salt(), self.encryption_context())
        return seed(f"{self.seeds}: data key", 32)

    def salt(self):
        return seed(f"{self.seeds}: salt", 24)

    def wrap_salt(self):
        return seed(f"{self.seeds}: wrap salt", 24)

    def plain(self):
        return cbor2.dumps(self.fields) if self.plaintext is None else self.plaintext

    def encryption_context(self):
        return self.place().encryption_context()

    def associated_data(self):
        return envelope.associated_data(self.content, self.place(), self.authenticated)

    def own_entry(self):
        if self.branch:
            return 3, self.branch[0][0], self.wrap_salt()
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
        fields = case.fields if case.plaintext is None else envelope.Reader(case.plain(), *["malformed-record"] * 3).record()
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
