"""The vectors of secrets that KMS itself encrypts, [5.2-1]."""

from kms_keys import BASE, BLOB, KEY
from sealing import Case, flip, key, S, seed, wrapping

PLACE = Case("direct", table="api-tokens", keys=(), attributes={}, pairs={"service": "billing"})
SECRET, SEALED = b"tok_live_4eC39HqLyjW", seed("direct: blob", 172)


def answer(case, secret, blob=SEALED, **changes):
    """KMS encrypted `secret` for the context of a direct call."""
    context = wrapping.direct_context(case.encryption_context())
    return {"key": KEY.arn, "encryption_context": context, "ciphertext_blob": blob.hex(), "plaintext": secret.hex(), **changes}


def vector(expect, description, case, answers, blob=SEALED, **found):
    return {
        "description": description,
        "expect": expect,
        "content": "direct",
        "kms": {"keys": [KEY.arn], "answers": answers},
        **{**case.context(), **found},
        "ciphertext_blob": blob.hex(),
    }


def opens(description, case, secret):
    context = wrapping.direct_context(case.encryption_context())
    found = vector("opens", description, case, [answer(case, secret)])
    return {**found, "encryption_context": context, "plaintext": secret.hex()}


def vectors():
    keyed = PLACE.but(keys=(key("token", S("t_1")),))
    yield "direct-opens", opens("a secret, bound to table and pair", PLACE, SECRET)
    yield "direct-one-byte", opens("a secret of one byte", PLACE, b"x")
    yield "direct-longest", opens("a secret of 4,096 bytes", PLACE, seed("longest secret", 4096))
    yield "direct-key", opens("a secret bound to a partition key", keyed, SECRET)
    good = [answer(PLACE, SECRET)]
    yield "direct-pair", vector("key-mismatch", "another value of a pair", PLACE, good, pairs={"service": "support"})
    yield "direct-table", vector("key-mismatch", "another table", PLACE, good, table="tokens")
    yield "direct-flipped", vector("key-mismatch", "a bit of the blob flipped", PLACE, good, flip(SEALED, 9))
    yield "direct-of-a-data-key", vector(
        "key-mismatch", "the wrapped data key of bytes that were sealed for the same place", BASE, [BASE.kms_answer()], BLOB
    )
    other = [answer(PLACE, SECRET, answered_key=KEY.arn.replace("1234abcd", "9999abcd"))]
    yield "direct-answer-of-another-key", vector("key-invalid-answer", "KMS answers with another key", PLACE, other)
