"""The vectors of kind 2, [6.2]: data keys that KMS wraps. What KMS answers is part of the vector."""

import dataclasses

from opening import TWO_KEYS, other_root, strangers
from sealing import Case, KmsKey, envelope, flip, opens, refused, seed, wrapping

EU, US = (f"arn:aws:kms:{region}:111122223333:key/" for region in ("eu-central-1", "us-east-1"))
KEY = KmsKey(EU + "1234abcd-12ab-34cd-56ef-1234567890ab", seed("key material", 32).hex())
OTHER = KmsKey(EU + "9876fedc-98fe-76dc-54ba-0987654321fe", seed("other key material", 32).hex())
REPLICA = KmsKey(US + "mrk-1234abcd12ab34cd56ef1234567890ab", seed("multi-region material", 32).hex())
PLACE = {"content": "bytes", "table": "orders-queue", "keys": (), "attributes": {}, "authenticated": ()}
BASE = Case("kms-bytes", kms=KEY, plaintext=b"4111 1111 1111 1111", fields=None, pairs={"order": "o_1"}, **PLACE)
KIND, ID, BLOB = BASE.own_entry()


def vectors():
    yield from opening()
    yield from entries()
    yield from answers()


def reader(*keys, answers=None):
    return {"kms": {"keys": [key.arn for key in keys], "answers": [BASE.kms_answer()] if answers is None else answers}}


def opening():
    def good(name, description, **changes):
        return name, opens(description, BASE.but(**{"seeds": name, **changes}))

    yield good("kms-bytes", "a data key of KMS, which names its key material")
    yield good("kms-material-unsaid", "KMS does not name its key material: zeros", kms=dataclasses.replace(KEY, material=None))
    yield good("kms-hashed", "with keys, form `hashed`", form="hashed", keys=TWO_KEYS)
    yield good("kms-raw", "with keys, form `raw`", keys=TWO_KEYS)
    yield good("kms-table", "with keys, form `table`", form="table", keys=TWO_KEYS)
    yield good("kms-replica", "a multi-region key: the id of the entry is the same in every region", kms=REPLICA)
    case = BASE.but(seeds="kms-second-key", other_kms=(OTHER,))
    yield "kms-second-key", opens("the reader has two keys, and the second one wrapped the data key", case)
    stranger = 2, wrapping.kms_hint(REPLICA.arn), seed("foreign blob", 184)
    yield good(
        "kms-beside-others",
        "passed over: a key of an unknown kind, one of a root key, one of another KMS key",
        before=(strangers(1)[0], other_root("kms"), stranger),
        after=strangers(1),
    )
    for name, half in [("zeros", bytes(4)), ("other", b"\xff" * 4)]:
        given = envelope.encode_dek("raw", [(KIND, ID[:4] + half, BLOB)])
        vector = opens(f"the half of the id that names the key material changed ({half.hex()}): ignored", BASE)
        vector["encrypted_dek"] = given.hex()
        vector["wrapped_keys"][0]["id"] = (ID[:4] + half).hex()
        yield f"kms-material-{name}", vector


def bad(name, expect, description, *entries, **changes):
    dek = envelope.encode_dek("raw", entries) if entries else None
    return f"kms-{name}", refused(expect, description, BASE, dek=dek, **changes)


def entries():
    yield bad("key-flipped", "key-wrong", "a bit of the half that names the key flipped", (KIND, flip(ID, 3), BLOB))
    yield bad("id-4", "key-wrong", "an id of 4 bytes, without the half for the key material", (KIND, ID[:4], BLOB))
    yield bad("id-shorter", "key-wrong", "an id without its last byte", (KIND, ID[:-1], BLOB))
    yield bad("id-longer", "key-wrong", "an id with a byte more", (KIND, ID + b"\x00", BLOB))
    yield bad("id-empty", "key-wrong", "an id of no length", (KIND, b"", BLOB))
    yield bad("of-another-kind", "key-wrong", "the right id under another kind", (4, ID, BLOB))
    yield bad("not-configured", "key-wrong", "the reader has another key", reader=reader(OTHER))
    yield bad("blob-flipped", "key-mismatch", "a bit of the blob flipped", (KIND, ID, flip(BLOB, 100)))
    foreign = BASE.but(kms=OTHER, seeds="kms, another key")
    yield bad(
        "blob-of-another-key",
        "key-wrong",
        "the blob of another key, under this one's id: KMS is asked for the configured key and refuses",
        (KIND, ID, foreign.own_entry()[2]),
        reader=reader(KEY, answers=[foreign.kms_answer()]),
    )
    secret = {**BASE.kms_answer(), "encryption_context": wrapping.direct_context(BASE.encryption_context())}
    yield bad(
        "blob-of-a-secret",
        "key-mismatch",
        "the blob of a secret that KMS encrypted for the same place: it is no data key (5.2-1)",
        reader=reader(KEY, answers=[secret]),
    )
    yield bad("place-pair", "key-mismatch", "another value of a pair", pairs={"order": "o_2"})
    yield bad("place-table", "key-mismatch", "another table", table="invoices-queue")


def answers():
    def answered(name, expect, description, **changes):
        return bad(name, expect, description, reader=reader(KEY, answers=[{**BASE.kms_answer(), **changes}]))

    other = f"{EU}{'1' * 8}-1111-1111-1111-{'1' * 12}"
    replica = KEY.arn.replace("eu-central-1", "us-east-1")
    yield answered("answer-of-another-key", "key-invalid-answer", "KMS answers with another key", answered_key=other)
    yield answered("answer-of-another-region", "key-invalid-answer", "KMS answers with the key of another region", answered_key=replica)
    for length in (0, 16, 31, 33, 64):
        name, what = f"answer-{length}-bytes", f"KMS answers with a plaintext of {length} bytes"
        yield answered(name, "key-invalid-answer", what, plaintext=seed("another length", length).hex())
    yield answered("answer-another-data-key", "authentication", "KMS answers with another data key", plaintext=seed("another", 32).hex())
    for refusal, expect in wrapping.REFUSALS.items():
        name = expect.removeprefix("key-")
        yield answered(f"refused-{name}", expect, f"KMS refuses: {refusal}", refuses=refusal)
