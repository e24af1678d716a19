"""Section 12 of docs/FORMAT.md: streams."""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from encoding import Reader, Refused, associated_data, hkdf, parse_dek, refuse_if

MAGIC, TAG, LONGEST_DEK = b"envs", 16, 102_451


def derive(data_key, salt, exponent):  # [12.3]: stream key and commitment
    okm = hkdf(data_key, salt, b"envelope stream 1 1" + exponent.to_bytes(1), 64)
    return okm[:32], okm[32:]


def nonce(number, is_last):  # [12.3]
    return bytes(7) + number.to_bytes(4) + (b"\x01" if is_last else b"\x00")


def header(exponent, salt, commitment, dek):  # [12.2]
    return MAGIC + b"\x01\x01" + exponent.to_bytes(1) + salt + commitment + len(dek).to_bytes(4) + dek


def seal_chunks(stream_key, exponent, additional, plaintext):  # [12.4]
    """Every chunk of C bytes but the last, which holds the rest; an empty object is one chunk."""
    whole, cipher, chunks = 1 << exponent, AESGCM(stream_key), []
    while True:
        chunk, plaintext = plaintext[:whole], plaintext[whole:]
        chunks.append(cipher.encrypt(nonce(len(chunks), not plaintext), chunk, additional))
        if not plaintext:
            return chunks


def seal(data_key, salt, exponent, dek, additional, plaintext):
    stream_key, commitment = derive(data_key, salt, exponent)
    return header(exponent, salt, commitment, dek) + b"".join(seal_chunks(stream_key, exponent, additional, plaintext))


def parse_header(reader):  # [12.2-1]
    for expected in MAGIC:
        refuse_if(reader.integer() != expected, "format-malformed", "not a stream")
    refuse_if(reader.integer() != 1, "format-unknown-version", "stream")
    refuse_if(reader.integer() != 1, "format-unknown-suite", "stream")
    exponent = reader.integer()
    refuse_if(exponent not in range(10, 21), "format-malformed", "chunk size")
    salt, commitment, length = reader.take(24), reader.take(32), reader.integer(4)
    refuse_if(length not in range(1, LONGEST_DEK + 1), "format-malformed", "length of encrypted_dek")
    return exponent, salt, commitment, parse_dek(reader.take(length))


def open_stream(data, context, unwrap, release):
    """The steps of [12.5-1]. `release` gets the plaintext of each chunk as soon as the chunk has proved authentic."""
    reader = Reader(data, "format-truncated", "format-malformed", "format-trailing")
    exponent, salt, commitment, (form, entries) = parse_header(reader)
    context.check_form(form)
    stream_key, expected = derive(unwrap(entries, context.encryption_context()), salt, exponent)
    refuse_if(not hmac.compare_digest(commitment, expected), "authentication", "does not open")
    additional = associated_data("stream", context, context.attributes)
    rest, size, number = data[reader.at :], (1 << exponent) + TAG, 0
    while True:
        chunk, rest = rest[:size], rest[size:]
        release(open_chunk(stream_key, number, not rest, chunk, additional))
        number += 1
        if not rest:
            return


def open_chunk(stream_key, number, is_last, chunk, additional):  # [12.5-2, 12.5-3]
    refuse_if(len(chunk) < TAG or len(chunk) == TAG and number > 0, "authentication", "does not open")
    refuse_if(number >= 1 << 32, "authentication", "does not open")  # [12.3-1]
    try:
        return AESGCM(stream_key).decrypt(nonce(number, is_last), chunk, additional)
    except InvalidTag:
        raise Refused("authentication", "does not open") from None
