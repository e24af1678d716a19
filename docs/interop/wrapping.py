"""Section 6 of docs/FORMAT.md: how a data key is wrapped for each kind of key, and how a reader unwraps it.

Every `unwrap` takes the entries of `encrypted_dek` as (kind, id, wrapped key), and the encryption context; it returns the data key.
"""

import hashlib, hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from encoding import NONCE, Refused, cbor, hkdf, refuse_if

LOCAL, KMS, BRANCH, RSA = 1, 2, 3, 4


def of_kind(entries, kind, fits):
    """The wrapped keys of a kind whose id the reader is configured for: all others are passed over [3.2-2]."""
    return [(key_id, wrapped) for entry_kind, key_id, wrapped in entries if entry_kind == kind and fits(key_id)]


def no_key(entries, context):
    """A reader for whom no key is configured at all: a group that it must not see."""
    raise Refused("key-denied", "no key is configured")


# --- kind 1: a local root key [6.1] ---


def local_id(root_key):
    return hkdf(root_key, b"", b"envelope local root key id", 8)


def local_cipher(root_key, wrap_salt, context):
    return AESGCM(hkdf(root_key, wrap_salt, b"envelope local wrap 1", 32)), cbor(["envelope-local-wrap", context])


def local_wrap(root_key, wrap_salt, context, data_key):
    cipher, associated_data = local_cipher(root_key, wrap_salt, context)
    return wrap_salt + cipher.encrypt(NONCE, data_key, associated_data)


def local_unwrap(root_key, entries, context):
    mine = of_kind(entries, LOCAL, lambda key_id: key_id == local_id(root_key))
    refuse_if(not mine, "key-wrong", "no wrapped key is for this root key")
    _, wrapped = mine[0]
    refuse_if(len(wrapped) != 72, "key-mismatch", "not a wrapped key")
    cipher, associated_data = local_cipher(root_key, wrapped[:24], context)
    try:
        return cipher.decrypt(NONCE, wrapped[24:], associated_data)
    except InvalidTag:
        raise Refused("key-mismatch", "the wrapped key belongs to another context, or was changed") from None


# --- kind 2: AWS KMS [6.2] ---


def kms_hint(arn, material_id=None):
    """The id of an entry: half for the key, half for the key material that KMS named."""
    material = hashlib.sha256(material_id.encode()).digest()[:4] if material_id else bytes(4)
    return hashlib.sha256(arn.split(":key/")[1].encode()).digest()[:4] + material


# What KMS refuses, and the kind of the failure.
REFUSALS = {
    "AccessDeniedException": "key-denied",
    "DisabledException": "key-disabled",
    "KMSInvalidStateException": "key-pending-deletion",
    "NotFoundException": "key-not-found",
    "KMSInternalException": "key-unavailable",
}


class PlayedKms:
    """KMS as a table: what Decrypt answers to a blob, a key and an encryption context.

    `answers` are those of a vector: `key` made the blob for `encryption_context`, unless KMS `refuses`. KMS answers with `answered_key`
    if there is one: what a faulty or hostile KMS, or somebody in between, would do.
    """

    def __init__(self, answers):
        self.answers = answers

    def decrypt(self, arn, blob, context):
        known = [answer for answer in self.answers if bytes.fromhex(answer["ciphertext_blob"]) == blob]
        if known and "refuses" in known[0]:
            raise Refused(REFUSALS[known[0]["refuses"]], known[0]["refuses"])
        refuse_if(not known or known[0]["encryption_context"] != context, "key-mismatch", "InvalidCiphertextException")
        refuse_if(known[0]["key"] != arn, "key-wrong", "IncorrectKeyException")
        return known[0].get("answered_key", arn), bytes.fromhex(known[0]["plaintext"])


def kms_unwrap(kms, arns, entries, context):
    """Unwraps with the first configured key that an entry names [6.2-1, 6.2-3]."""
    mine = [
        (arn, blob)
        for arn in arns
        for _, blob in of_kind(entries, KMS, lambda key_id: len(key_id) == 8 and key_id[:4] == kms_hint(arn)[:4])
    ]
    refuse_if(not mine, "key-wrong", "no wrapped key is by a configured key of KMS")
    arn, blob = mine[0]
    answered, data_key = kms.decrypt(arn, blob, context)
    refuse_if(answered != arn, "key-invalid-answer", "KMS answered with another key")
    refuse_if(len(data_key) != 32, "key-invalid-answer", "not a data key")
    return data_key


def direct_context(context):
    """The encryption context of a secret that KMS itself encrypts [5.2-1]."""
    return {**context, "envelope": "direct"}


def direct_decrypt(kms, arn, blob, context):
    answered, secret = kms.decrypt(arn, blob, direct_context(context))
    refuse_if(answered != arn, "key-invalid-answer", "KMS answered with another key")
    return secret


# --- kind 3: a branch key [6.3] ---


def branch_data_key(branch_key, salt, context):
    return hkdf(branch_key, salt, cbor(["envelope-branch-key", context]), 32)


def branch_unwrap(versions, entries, context):
    """`versions`: the keys of the reader's own branch by version. Entries of other versions are passed over unread [6.3-2]."""
    mine = of_kind(entries, BRANCH, versions.__contains__)
    refuse_if(not mine, "key-wrong", "no wrapped key is of a version that this branch has")
    version, salt = mine[0]
    refuse_if(len(salt) != 24, "key-mismatch", "not a salt")
    return branch_data_key(versions[version], salt, context)


# --- kind 4: RSAES-OAEP [6.4] ---

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def rsa_public_der(public_key):
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def rsa_id(public_key):
    return hashlib.sha256(rsa_public_der(public_key)).digest()[:8]


def rsa_digest(context):
    return hashlib.sha256(cbor(["envelope-rsa-oaep", context])).digest()


def rsa_encrypt(public_key, message, seed, label=b""):
    """RSAES-OAEP of RFC 8017, 7.1.1, with the seed named, which no library takes."""
    numbers, size = public_key.public_numbers(), public_key.key_size // 8
    data = hashlib.sha256(label).digest() + bytes(size - len(message) - 66) + b"\x01" + message
    masked_data = xor(data, mgf1(seed, len(data)))
    masked_seed = xor(seed, mgf1(masked_data, len(seed)))
    number = int.from_bytes(b"\x00" + masked_seed + masked_data)
    return pow(number, numbers.e, numbers.n).to_bytes(size)


def mgf1(seed, length):  # RFC 8017, B.2.1
    blocks = (hashlib.sha256(seed + counter.to_bytes(4)).digest() for counter in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def rsa_wrap(public_key, context, data_key, seed):
    return rsa_encrypt(public_key, data_key + rsa_digest(context), seed)


def rsa_unwrap(private_key, entries, context):
    own_id = rsa_id(private_key.public_key())
    mine = of_kind(entries, RSA, lambda key_id: key_id == own_id)
    refuse_if(not mine, "key-wrong", "no wrapped key is for this RSA key")
    try:
        message = private_key.decrypt(mine[0][1], OAEP)
    except ValueError:
        raise Refused("key-mismatch", "the wrapped key was changed") from None
    # [6.4-1]: one refusal for another length and another digest.
    data_key, digest = message[:32], message[32:]
    refuse_if(not hmac.compare_digest(digest, rsa_digest(context)), "key-mismatch", "wrapped for another context")
    return data_key
