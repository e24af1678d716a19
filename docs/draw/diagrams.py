"""Pictures of how things are connected."""

from canvas import MARGIN, WIDTH, Canvas, legend

INNER = WIDTH - 2 * MARGIN


def record():
    """The item of a record, and the two attributes that this library adds: FORMAT 1, 3.2 and 4.2."""
    canvas = Canvas(
        "A record on disk: readable attributes, the sealed fields in encrypted_payload, the wrapped key in encrypted_dek"
    )
    canvas.text(MARGIN, 28, "The item in DynamoDB", "head")
    rows = [
        ("user_id", '"u_12345"', "bound", "key: readable, bound"),
        ("plan", '"pro"', "bound", "authenticated: readable, bound"),
        ("logins", "4", "open", "plaintext: readable, not bound"),
        ("encrypted_payload", "", "sealed", "email, ssn"),
        ("encrypted_dek", "", "key", "the data key, wrapped by KMS"),
    ]
    top = 38
    for name, value, kind, what in rows:
        canvas.box(MARGIN, top, INNER, 28, kind, radius=0)
        canvas.text(MARGIN + 10, top + 18.5, name, "code")
        canvas.text(MARGIN + 98, top + 18.5, value, "code")
        canvas.text(MARGIN + 186, top + 18.5, what, "small")
        top += 28
    top = _bytes(canvas, top + 30, "encrypted_payload", "75 bytes and the names more than the fields", "sealed", [
        (1.5, "version", "1"), (1.2, "suite", "1"), (1.4, "salt", "24"), (2.4, "commitment", "32"),
        (1.4, "names", "n"), (2.2, "ciphertext", "m"), (1, "tag", "16"),
    ])
    top = _bytes(canvas, top + 26, "encrypted_dek", "199 bytes with one KMS key", "key", [
        (1.2, "version", "1"), (0.9, "form", "1"), (1, "count", "1"), (0.9, "kind", "1"), (1.6, "id length, id", "1 + 8"),
        (1.1, "length", "2"), (2, "wrapped data key", "184"),
    ])
    canvas.text(MARGIN, top + 26, "Numbers are bytes. The context is not stored: the reader knows it.", "soft")
    return canvas


def _bytes(canvas, top, name, size, kind, fields):
    """The fields of an attribute: each name above its number of bytes, in two rows where it takes more room."""
    canvas.text(MARGIN, top, name, "code head")
    canvas.text(WIDTH - MARGIN, top, size, "soft", "end")
    return _fields(canvas, top + 10, kind, fields)


def _fields(canvas, top, kind, fields):
    x, unit = MARGIN, INNER / sum(share for share, _, _ in fields)
    for share, name, count in fields:
        words = name.split(", ") if "," in name else name.split(" ", 1) if len(name) > 11 else [name]
        lines = [(word, "small") for word in words] + [(count, "small")]
        canvas.box(x, top, share * unit, 58, kind, lines, radius=0)
        x += share * unit
    return top + 58


def data_key():
    """From the KMS key to the record, in each key mode."""
    canvas = Canvas("How a data key comes from a KMS key and seals a record, in each key mode")
    top = legend(canvas, MARGIN, [("key", "in KMS"), ("open", "in your process"), ("sealed", "stored")]) + 10
    for mode, note, boxes in [
        ("KmsKeyProvider", "one call for each write and each read", [
            ("key", "KMS key"), ("open", "data key", "of one record"), ("sealed", "record"),
        ]),
        ("CachedKeyProvider", "a second read makes no call", [
            ("key", "KMS key"), ("open", "data key", "kept for a while"), ("sealed", "record"),
        ]),
        ("SharedKeyProvider", "one call for many writes", [
            ("key", "KMS key"), ("open", "data key", "of many records"), ("sealed", "records"),
        ]),
        ("HierarchicalKeyProvider", "one call a branch and key age", [
            ("key", "KMS key"), ("open", "branch key", "of a tenant"), ("open", "data key", "derived"),
            ("sealed", "record"),
        ]),
        ("MultiKeyProvider", "each of these keys opens the record", [
            ("key", "KMS keys", "of two regions"), ("open", "data key", "wrapped for each"), ("sealed", "record"),
        ]),
        ("RsaRecipient", "a partner without AWS writes", [
            ("open", "public key", "of the reader"), ("open", "data key", "of one record"), ("sealed", "record"),
        ]),
    ]:
        canvas.text(MARGIN, top + 26, mode, "code head")
        canvas.text(WIDTH - MARGIN, top + 26, note, "soft", "end")
        top = _chain(canvas, top + 36, boxes)
    return canvas


def _chain(canvas, top, boxes):
    """Boxes from left to right, with arrows between them."""
    gap = 22
    width = (INNER - gap * (len(boxes) - 1)) / len(boxes)
    for number, (kind, name, *note) in enumerate(boxes):
        x = MARGIN + number * (width + gap)
        lines = [name, *((line, "soft") for line in note)] if kind == "open" else [name, *note]
        canvas.box(x, top, width, 40, kind, lines)
        if number:
            canvas.path([(x - gap, top + 20), (x - 1, top + 20)], tip=True)
    return top + 44
