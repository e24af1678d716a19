"""The vectors of streams, [12]: what opens, and what somebody may do to chunks and header."""

from dataclasses import dataclass

from branches import ACTIVE, OLDER
from opening import strangers
from sealing import OTHER_ROOT_KEY, Case, N, S, chunked, envelope, flip, seed

KIB = 1024  # the smallest chunks: the files stay small
PLACE = {
    "content": "stream",
    "table": "invoices",
    "keys": (),
    "attributes": {"type": S("application/pdf")},
    "authenticated": ("type",),
    "pairs": {"object": "2026/11/invoice-7.pdf"},
}


@dataclass(frozen=True)
class Stream:
    """An object to seal in chunks; keys and salts are those of the case."""

    case: Case
    plaintext: bytes
    exponent: int = 10

    def keys(self):
        return chunked.derive(self.case.data_key(), self.case.salt(), self.exponent)

    def header(self, **changes):
        parts = {"exponent": self.exponent, "salt": self.case.salt(), "commitment": self.keys()[1], "dek": self.case.dek()}
        return chunked.header(**{**parts, **changes})

    def chunks(self):
        return chunked.seal_chunks(self.keys()[0], self.exponent, self.case.associated_data(), self.plaintext)

    def bytes(self):
        return self.header() + b"".join(self.chunks())


def stream(name, length, exponent=10, **changes):
    return Stream(Case(name, **{**PLACE, **changes}), seed(f"{name}: plaintext", length), exponent)


def opens(description, it):
    stream_key, commitment = it.keys()
    return {
        "description": description,
        "expect": "opens",
        "content": "stream",
        **it.case.reader(),
        **it.case.context(),
        "stream": it.bytes().hex(),
        "data_key": it.case.data_key().hex(),
        "salt": it.case.salt().hex(),
        "wrap_salt": it.case.wrap_salt().hex(),
        "chunk_size": it.exponent,
        "encryption_context": it.case.encryption_context(),
        "wrapped_keys": [{"kind": k, "id": i.hex(), "wrapped_key": w.hex()} for k, i, w in it.case.entries()],
        "stream_key": stream_key.hex(),
        "commitment": commitment.hex(),
        "associated_data": it.case.associated_data().hex(),
        "plaintext": it.plaintext.hex(),
    }


def refused(expect, description, it, data, released=0, reader=None, **found):
    """`released`: how many chunks are authentic, and may be given to the application before the failure."""
    return {
        "description": description,
        "expect": expect,
        "content": "stream",
        **(it.case.reader() if reader is None else reader),
        **{**it.case.context(), **found},
        "stream": data.hex(),
        "released": it.plaintext[: released << it.exponent].hex(),
    }


THREE = stream("stream-three", 2 * KIB + 100)
WHOLE = stream("stream-whole", 2 * KIB)
HEADER = len(THREE.header())


def vectors():
    yield from opening()
    yield from chunks()
    yield from headers()
    yield from places()


def opening():
    def good(name, description, length, **changes):
        return name, opens(description, stream(name, length, **changes))

    yield good("stream-empty", "an empty object is one empty chunk", 0)
    yield good("stream-one-byte", "one byte", 1)
    yield good("stream-less", "one byte less than a chunk", KIB - 1)
    yield good("stream-one-whole", "exactly one chunk, which is the last", KIB)
    yield good("stream-more", "one byte more than a chunk", KIB + 1)
    yield "stream-whole", opens("exactly two chunks: no empty one follows", WHOLE)
    yield "stream-three", opens("two chunks and a part of one", THREE)
    yield good("stream-chunks-2048", "chunks of 2,048 bytes", 4 * KIB + 1, exponent=11)
    yield good("stream-chunks-65536", "one short chunk of at most 65,536 bytes", 100, exponent=16)
    yield good("stream-chunks-1048576", "one short chunk of at most 1,048,576 bytes", 100, exponent=20)
    yield good("stream-table-alone", "bound to a table alone", 10, attributes={}, authenticated=(), pairs={})
    keys = ({"name": "object", "value": S("invoice-7.pdf")}, {"name": "part", "value": N("1.0")})
    yield good("stream-keys-hashed", "with a primary key, form `hashed`", 10, keys=keys, form="hashed")
    absent = {"type": S("application/pdf"), "owner": None}
    yield good("stream-absent", "bound to the absence of an attribute", 10, attributes=absent, authenticated=tuple(absent))
    yield good("stream-wrapped-keys", "passed over: keys of unknown kinds", 10, before=strangers(2), after=strangers(3))
    yield good("stream-branch", "under a branch key", KIB + 10, branch=(ACTIVE, OLDER))


def chunks():
    def bad(name, description, data, released, it=THREE):
        return f"stream-{name}", refused("authentication", description, it, data, released)

    head, (a, b, c) = THREE.header(), THREE.chunks()
    yield bad("cut-after-header", "cut behind the header", head, 0)
    yield bad("cut-after-first", "cut behind the first chunk", head + a, 0)
    yield bad("cut-after-second", "cut behind the second chunk", head + a + b, 1)
    yield bad("cut-one-byte", "the last byte cut off", head + a + b + c[:-1], 2)
    yield bad("cut-in-first", "cut inside the first chunk", head + a[:500], 0)
    yield bad("cut-in-tag", "cut inside the tag of the second chunk", head + a + b[:-7], 1)
    yield bad("cut-to-a-tag", "the last chunk cut to 16 bytes", head + a + b + c[:16], 2)
    yield bad("cut-below-a-tag", "the last chunk cut to 15 bytes", head + a + b + c[:15], 2)
    yield bad("trailing-byte", "a byte added", head + a + b + c + b"\0", 2)
    yield bad("trailing-zeros", "zeros added, more than a chunk of them", head + a + b + c + bytes(2000), 2)
    yield bad("trailing-stream", "the same stream once more behind its end", (head + a + b + c) * 2, 2)
    yield bad("swapped", "the first two chunks in each other's place", head + b + a + c, 0)
    yield bad("doubled", "the first chunk twice", head + a + a + b + c, 1)
    yield bad("last-doubled", "the last chunk twice", head + a + b + c + c, 2)
    yield bad("dropped-first", "without the first chunk", head + b + c, 0)
    yield bad("dropped-middle", "without the second chunk", head + a + c, 1)
    yield bad("last-first", "the last chunk alone", head + c, 0)
    whole_head, (d, e) = WHOLE.header(), WHOLE.chunks()
    yield bad("whole-cut", "two whole chunks, the last one cut off", whole_head + d, 0, WHOLE)
    yield bad("whole-trailing", "two whole chunks, and a byte behind them", whole_head + d + e + b"\0", 1, WHOLE)
    _, (x, y, z) = stream("stream-another", 2 * KIB + 100).header(), stream("stream-another", 2 * KIB + 100).chunks()
    yield bad("foreign-first", "the first chunk of another stream of the same place", head + x + b + c, 0)
    yield bad("foreign-last", "the last chunk of another stream of the same place", head + a + b + z, 2)
    yield bad("flipped-first", "a bit of the first chunk flipped", head + flip(a, 0) + b + c, 0)
    yield bad("flipped-second", "a bit of the second chunk flipped", head + a + flip(b, 1000, 7) + c, 1)
    yield bad("flipped-tag", "a bit of the last tag flipped", head + a + b + flip(c, -1), 2)

    cipher, aad = envelope.AESGCM(THREE.keys()[0]), THREE.case.associated_data()
    plain = [THREE.plaintext[at : at + KIB] for at in range(0, len(THREE.plaintext), KIB)]

    def chunk(index, last, text, aad=aad):
        return cipher.encrypt(bytes(7) + index.to_bytes(4, "big") + bytes([last]), text, aad)

    yield bad("last-unmarked", "the last chunk not marked as the last", head + a + b + chunk(2, False, plain[2]), 2)
    yield bad("first-marked", "the first chunk marked as the last", head + chunk(0, True, plain[0]) + b + c, 0)
    yield bad("marked-2", "a mark that is neither 0 nor 1", head + a + b + chunk(2, 2, plain[2]), 2)
    yield bad("index-from-1", "chunks numbered from 1", head + b"".join(chunk(i + 1, i == 2, plain[i]) for i in range(3)), 0)
    little = [cipher.encrypt(bytes(7) + i.to_bytes(4, "little") + bytes([i == 2]), plain[i], aad) for i in range(3)]
    yield bad("index-little-endian", "chunks numbered with the least byte first", head + b"".join(little), 1)
    yield bad("empty-last", "an empty chunk behind the last whole one", whole_head + empty_last(), 2, WHOLE)
    yield bad("short-middle", "a chunk in the middle that is not whole", head + a + chunk(1, False, plain[1][:-1]) + c, 1)
    first_alone = head + chunk(0, False, plain[0]) + chunk(1, False, plain[1], b"") + chunk(2, True, plain[2], b"")
    yield bad("context-in-first-alone", "the context bound by the first chunk alone", first_alone, 1)
    as_bytes = THREE.case.place().associated_data("bytes", THREE.case.attributes)
    yield bad("of-bytes", "chunks sealed with the label of content `bytes`", head + b"".join(chunk(i, i == 2, plain[i], as_bytes) for i in range(3)), 0)


def empty_last():
    cipher, aad = envelope.AESGCM(WHOLE.keys()[0]), WHOLE.case.associated_data()
    parts = [WHOLE.plaintext[:KIB], WHOLE.plaintext[KIB:], b""]
    return b"".join(cipher.encrypt(chunked.nonce(i, i == 2), part, aad) for i, part in enumerate(parts))


def headers():
    body = b"".join(THREE.chunks())

    def bad(name, expect, description, head, rest=body, **reader):
        return f"stream-{name}", refused(expect, description, THREE, head + rest, **reader)

    head, dek = THREE.header(), THREE.case.dek()
    for length in (0, 3, 4, 5, 6, 7, 30, 31, 62, 63, 66, 67, HEADER - 1):
        yield bad(f"header-cut-{length}", "format-truncated", f"cut after {length} bytes", head[:length], b"")
    yield bad("magic", "format-malformed", "another first byte", b"E" + head[1:])
    yield bad("magic-missing", "format-malformed", "without the four bytes at the start", head[4:])
    for version in (0, 2, 255):
        yield bad(f"version-{version}", "format-unknown-version", f"version {version}", head[:4] + bytes([version]) + head[5:])
    for suite in (0, 2, 255):
        yield bad(f"suite-{suite}", "format-unknown-suite", f"suite {suite}", head[:5] + bytes([suite]) + head[6:])
    for exponent in (0, 9, 21, 255):
        yield bad(f"chunk-size-{exponent}", "format-malformed", f"chunk size {exponent}", THREE.header(exponent=exponent))
    yield bad("chunk-size-other", "authentication", "another chunk size than the stream's", THREE.header(exponent=11))
    yield bad("salt-flipped", "authentication", "a bit of the salt flipped", flip(head, 7))
    yield bad("commitment-flipped", "authentication", "a bit of the commitment flipped", flip(head, 31))
    no_dek = head[: -len(dek) - 4]
    yield bad("dek-none", "format-malformed", "an `encrypted_dek` of no length", no_dek + bytes(4))
    yield bad("dek-too-long", "format-malformed", "a length of 102,452", no_dek + (102452).to_bytes(4, "big") + dek)
    yield bad("dek-huge", "format-malformed", "a length of 4 GiB", no_dek + b"\xff" * 4 + dek)
    yield bad("dek-shorter", "format-truncated", "an `encrypted_dek` without its last byte", THREE.header(dek=dek[:-1]))
    yield bad("dek-longer", "format-trailing", "a byte behind the last wrapped key", THREE.header(dek=dek + b"\0"))
    yield bad("dek-version-2", "format-unknown-version", "version 2 of `encrypted_dek`", THREE.header(dek=b"\2" + dek[1:]))
    yield bad("dek-form", "context-form", "another context form than the reader's", THREE.header(dek=dek[:1] + b"\2" + dek[2:]))
    yield bad("dek-flipped", "key-mismatch", "a bit of the wrapped key flipped", THREE.header(dek=flip(dek, -20)))
    other = stream("stream-another", 2 * KIB + 100)
    yield bad("dek-foreign", "authentication", "the wrapped key of another stream of the same place", THREE.header(dek=other.case.dek()))
    yield bad("header-foreign", "authentication", "the header of another stream of the same place", other.header())
    yield bad("root-key-wrong", "key-wrong", "another root key", head, reader={"root_key": OTHER_ROOT_KEY.hex()})
    payload = envelope.seal(THREE.case.data_key(), THREE.case.salt(), ("type",), THREE.case.associated_data(), b"text")
    yield bad("is-a-payload", "format-malformed", "an `encrypted_payload` in place of a stream", payload, b"")


def places():
    def bad(name, expect, description, **found):
        return f"stream-place-{name}", refused(expect, description, THREE, THREE.bytes(), **found)

    yield bad("table", "key-mismatch", "another table", table="receipts")
    yield bad("pair", "key-mismatch", "another value of a pair", pairs={"object": "2026/11/invoice-8.pdf"})
    yield bad("key-added", "key-mismatch", "a primary key more", keys=[{"name": "object", "value": S("invoice-7.pdf")}])
    yield bad("attribute", "authentication", "another value of an authenticated attribute", attributes={"type": S("text/html")})
    yield bad("attribute-added", "authentication", "an authenticated attribute more", attributes={**PLACE["attributes"], "owner": None})
    yield bad("attribute-removed", "authentication", "an authenticated attribute less", attributes={})
    in_table = stream("stream-form-table", 10, form="table", keys=({"name": "object", "value": S("a")},))
    found = [{"name": "object", "value": S("b")}]
    yield "stream-place-form-table", refused(
        "authentication", "another key, form `table`: the key provider cannot notice", in_table, in_table.bytes(), keys=found
    )
