"""The vectors of kind 4, [6.4]: data keys that are wrapped for an RSA public key."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from opening import other_root, strangers
from sealing import Case, envelope, flip, opens, refused, seed, wrapping

# The primes of two keys of 2,048 bits, made for these vectors.
PRIMES = (
    (
        int(
            "f3d642de79b5ff1919b3ed4cf62ed04e8a4759cd57da00dd00d48a561191303d"
            "a72646abe262f2a5cf073c8553da715c8c78c8f685baf372bde05e20fa2bc179"
            "941d6bccf25b5949dc2b2630263921206fbe8a7bb729656fa54e2cea07e09c9a"
            "7ab23687e297915c714e38ae493411ebd8a52039d4f656bc34376b14fd627491",
            16,
        ),
        int(
            "b547f9d5693051e204fb1a6aea332ae345b74e09307feb344c7a288c68f0052c"
            "c4a6a5ceafe178c2c941630720a03c31b3f884c5133b5af59e433fbffda1f87d"
            "959284540d31331048a352a7df7bd0776c37dd27a66a5634264e74218b180e20"
            "a66bf456a8db0d554ce8c9a88909476614c219cbdc68aa86087eae08b6b40d87",
            16,
        ),
    ),
    (
        int(
            "f58ecf87839067130d61647f212b1ea71e853aa8781cc9ba137a815ad4692da5"
            "29703bda9c83d35b64f0dc9024fbd253af8f0ccb4179fdc2c4f7459669190e97"
            "2d00b1fa1b74a0761ca3fee974ce0946577d25c4f75286a37ed0ca78bf67c64b"
            "8a96812912246266f610f56e99b54d7d1d1e53ace620723e737ca0fd09b98f89",
            16,
        ),
        int(
            "cf81e8bb87fb999e1013cecbcdb2833e83d05d93fda73a1b5c4b0e25e95b9bed"
            "965a51e1e18fa76319f87cf4b14b78c6211cb38161e032bd26cf1dd55d6e4b53"
            "4f2b665e128ef9736a553cddd5200a752f5f5c3c9fa8f47b38712c65dc451422"
            "fdeafe7f47ad8f04d9dea12f17765b825d48d82ff2e3268efff47fdd7fe79361",
            16,
        ),
    ),
)


def private_key(p, q):
    e, phi = 65537, (p - 1) * (q - 1)
    d = pow(e, -1, phi)
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


KEY, OTHER_KEY = (private_key(*primes) for primes in PRIMES)
DER = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
BASE = Case("rsa-record", rsa=KEY, pairs={"tenant": "t_7"})
KIND, ID, WRAPPED = BASE.own_entry()


def vectors():
    yield from opening()
    yield from keys()
    yield from messages()
    yield from places()


def opening():
    def good(name, description, **changes):
        return name, opens(description, BASE.but(**{"seeds": name, **changes}))

    yield good("rsa-record", "a data key wrapped for an RSA public key, form `raw`")
    yield good("rsa-record-hashed", "a data key wrapped for an RSA public key, form `hashed`", form="hashed")
    yield good("rsa-record-table", "a data key wrapped for an RSA public key, form `table`", form="table")
    pairs = {"tenant": "t_7", "b": "1", "aa": "2", "Région": "Île-de-France"}
    yield good("rsa-pairs", "the encryption context stands in the digest in CBOR order", pairs=pairs)
    yield good(
        "rsa-beside-others",
        "passed over: a key of an unknown kind, one of a root key, one of another RSA key",
        before=(strangers(1)[0], other_root("rsa"), (4, wrapping.rsa_id(OTHER_KEY.public_key()), seed("other RSA", 256))),
        after=strangers(1),
    )


def bad(name, expect, description, *entries, **changes):
    dek = envelope.encode_dek("raw", entries) if entries else None
    return f"rsa-{name}", refused(expect, description, BASE, dek=dek, **changes)


def keys():
    yield bad("id-of-another-key", "key-wrong", "another id than the key's", (KIND, flip(ID, 0), WRAPPED))
    yield bad("id-shorter", "key-wrong", "the key's id without its last byte", (KIND, ID[:-1], WRAPPED))
    yield bad("id-longer", "key-wrong", "the key's id with a byte more", (KIND, ID + b"\x00", WRAPPED))
    yield bad("of-another-kind", "key-wrong", "the right id under another kind", (1, ID, WRAPPED))
    other = {"rsa_key": OTHER_KEY.private_bytes(*DER).hex()}
    yield bad("key-wrong", "key-wrong", "the reader has another RSA key", reader=other)
    foreign = BASE.but(rsa=OTHER_KEY).own_entry()[2]
    yield bad("of-another-key", "key-mismatch", "wrapped for another RSA key, under this one's id", (KIND, ID, foreign))
    yield bad("flipped", "key-mismatch", "a bit of the wrapped key flipped", (KIND, ID, flip(WRAPPED, 200)))
    yield bad("shorter", "key-mismatch", "a wrapped key without its last byte", (KIND, ID, WRAPPED[:-1]))
    yield bad("longer", "key-mismatch", "a wrapped key with a byte more", (KIND, ID, WRAPPED + b"\x00"))
    yield bad("modulus", "key-mismatch", "a wrapped key that is not below the modulus", (KIND, ID, b"\xff" * 256))
    another = BASE.but(seeds="not the data key of rsa-record").own_entry()
    yield bad("not-this-payloads", "authentication", "an authentic wrapping of another data key", another)


def messages():
    """What RSAES-OAEP opens, but is not what 6.4 says."""
    digest, data_key = wrapping.rsa_digest(BASE.encryption_context()), BASE.data_key()

    def message(name, description, message):
        wrapped = wrapping.rsa_encrypt(KEY.public_key(), message, BASE.wrap_salt())
        return bad(f"message-{name}", "key-mismatch", description, (KIND, ID, wrapped))

    yield message("data-key-alone", "a data key without a digest", data_key)
    yield message("63-bytes", "63 bytes: the digest without its last byte", data_key + digest[:-1])
    yield message("65-bytes", "65 bytes: the digest with a byte more", data_key + digest + b"\x00")
    yield message("short-key", "a data key of 31 bytes with the right digest", data_key[1:] + digest)
    yield message("digest-flipped", "a bit of the digest flipped", data_key + flip(digest, 31))
    yield message("empty", "no byte at all", b"")
    yield bad("label", "key-mismatch", "RSAES-OAEP with a label", (KIND, ID, wrapping.rsa_encrypt(KEY.public_key(), data_key + digest, BASE.wrap_salt(), b"envelope")))


def places():
    def moved(name, description, **found):
        return f"rsa-place-{name}", refused("key-mismatch", description, BASE, **found)

    yield moved("key", "another value of the partition key", keys=[{"name": "user_id", "value": {"S": "u_67890"}}])
    yield moved("table", "another table", table="customers")
    yield moved("pair", "another value of a pair", pairs={"tenant": "t_8"})
    yield moved("pair-added", "a pair more", pairs={"tenant": "t_7", "purpose": "pii"})
