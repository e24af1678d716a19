"""The vectors of kind 3, [6.3]: data keys that are derived from a branch key."""

from opening import TWO_KEYS, other_root, strangers
from sealing import Case, branch_reader, envelope, flip, key, opens, refused, S, seed

ACTIVE, OLDER, OTHER = ((seed(f"branch version {i}", 16), seed(f"branch key {i}", 32)) for i in range(3))
BASE = Case("branch-record-raw", branch=(ACTIVE, OLDER), pairs={"tenant": "t_7"})
VERSION, SALT = BASE.own_entry()[1:]


def vectors():
    yield from opening()
    yield from keys()
    yield from places()


def opening():
    def record(name, description, **changes):
        return name, opens(description, BASE.but(**{"seeds": name, **changes}))

    yield record("branch-record-raw", "a data key derived from a branch key, form `raw`")
    yield record("branch-record-hashed", "a data key derived from a branch key, form `hashed`", form="hashed")
    yield record("branch-record-table", "a data key derived from a branch key, form `table`", form="table")
    yield record("branch-sort-key", "a data key derived from a branch key, with a sort key", keys=TWO_KEYS)
    pairs = {"tenant": "t_7", "b": "1", "aa": "2", "Région": "Île-de-France"}
    yield record("branch-pairs", "the encryption context stands in the derivation in CBOR order", pairs=pairs)
    yield record(
        "branch-beside-others",
        "passed over: a key of an unknown kind, one of KMS, one of a root key, one of a branch key that this store does not have",
        before=(strangers(1)[0], (2, seed("hint", 4), seed("blob", 184)), other_root("branch"), (3, OTHER[0], seed("salt", 24))),
        after=strangers(1),
    )
    yield record(
        "branch-strangers-salt",
        "an entry of a version that this branch does not have, its salt too short, stands first: passed over unread",
        before=((3, OTHER[0], seed("salt", 23)),),
    )
    yield record(
        "branch-bytes",
        "content `bytes` under a branch key",
        content="bytes",
        plaintext=b"4111 1111 1111 1111",
        table="orders-queue",
        keys=(),
        attributes={},
        authenticated=(),
    )


def keys():
    def bad(name, expect, description, *entries, **changes):
        dek = envelope.encode_dek("raw", entries) if entries else None
        return f"branch-{name}", refused(expect, description, BASE, dek=dek, **changes)

    yield bad("version-unknown", "key-wrong", "a version that the branch does not have", (3, OTHER[0], SALT))
    yield bad("version-unknown-salt", "key-wrong", "a version that the branch does not have, with a salt too long", (3, OTHER[0], SALT + b"\x00"))
    yield bad("version-shorter", "key-wrong", "a version without its last byte", (3, VERSION[:-1], SALT))
    yield bad("version-longer", "key-wrong", "a version with a byte more", (3, VERSION + b"\x00", SALT))
    yield bad("version-empty", "key-wrong", "a version of no length", (3, b"", SALT))
    yield bad("of-another-kind", "key-wrong", "the right version under another kind", (2, VERSION, SALT))
    yield bad("version-older", "authentication", "another version that the branch does have", (3, OLDER[0], SALT))
    yield bad("salt-flipped", "authentication", "a bit of the salt flipped", (3, VERSION, flip(SALT, 0)))
    yield bad("salt-shorter", "key-mismatch", "a salt without its last byte", (3, VERSION, SALT[:-1]))
    yield bad("salt-longer", "key-mismatch", "a salt with a byte more", (3, VERSION, SALT + b"\x00"))
    yield bad("key-wrapped", "key-mismatch", "a wrapped key as a root key makes it, in place of the salt", (3, VERSION, other_root("branch")[2]))
    another = branch_reader([(VERSION, OTHER[1])])
    yield bad("key-wrong", "authentication", "another branch key under the same version", reader=another)
    yield bad("other-branch", "key-wrong", "the reader's branch is another, with keys of its own", reader=branch_reader([OTHER]))


def places():
    """Found elsewhere than written: another data key is derived, and the payload does not commit to it."""

    def bad(name, description, case=BASE, **found):
        return f"branch-place-{name}", refused("authentication", description, case, **found)

    moved = [key("user_id", S("u_67890"))]
    for form in ("raw", "hashed", "table"):
        case = BASE.but(seeds=f"branch place {form}", form=form)
        yield bad(f"key-{form}", f"another value of the partition key, form `{form}`", case, keys=moved)
    yield bad("table", "another table", table="customers")
    yield bad("pair", "another value of a pair, under the same branch key", pairs={"tenant": "t_8"})
    yield bad("pair-added", "a pair more", pairs={"tenant": "t_7", "purpose": "pii"})
