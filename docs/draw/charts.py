"""Pictures of figures."""

import figures
from canvas import MARGIN, WIDTH, Canvas, bars, legend


def table_calls():
    canvas = Canvas("Microseconds a record with the plain SDK, and with Envelope")
    top = legend(canvas, MARGIN, [("grey", "plain SDK, not encrypted"), ("blue", "Envelope, encrypted")])
    rows = [(name, [("grey", plain), ("blue", ours)]) for name, plain, ours in figures.table_calls()]
    bars(canvas, top + 16, rows, 96, unit="{:.0f} µs")
    return canvas


def beside_aws():
    canvas = Canvas("Microseconds to seal and to open a record, with Envelope and with aws-db-esdk; bytes added to an item")
    top = legend(canvas, MARGIN, [("blue", "Envelope"), ("grey", "aws-db-esdk")])
    canvas.text(MARGIN, top + 28, "Time for a record of five fields", "head")
    rows = [(name, [("blue", ours), ("grey", theirs)]) for name, (ours, theirs) in figures.beside_aws().items()]
    top = bars(canvas, top + 40, rows, 102, unit="{:,.3g} µs")
    with_kms_key, with_branch_key = figures.bytes_added()
    canvas.text(MARGIN, top + 18, "Bytes added to an item", "head")
    ours, theirs = figures.bytes_beside_aws()
    rows = [
        ("local key", [("blue", ours), ("grey", theirs)]),
        ("KMS key", [("blue", with_kms_key)]),
        ("branch key", [("blue", with_branch_key)]),
    ]
    bars(canvas, top + 30, rows, 102, unit="{:.0f} B")
    return canvas


def kms_calls():
    records, modes = figures.kms_calls()
    canvas = Canvas(f"KMS calls of each key mode for {records:,} writes, {records:,} reads, and the same reads again")
    kinds = ["blue", "grey", "orange"]
    names = [f"{records:,} writes", f"{records:,} reads", "the same reads again"]
    top = legend(canvas, MARGIN, zip(kinds, names))
    rows = [(name, list(zip(kinds, calls))) for name, calls in modes]
    bars(canvas, top + 16, rows, 116)
    return canvas


def equality():
    canvas = Canvas("The share of records whose surname an attacker names who sees only which tags are equal")
    canvas.text(MARGIN, 28, "Surnames guessed, by the length of a tag", "head")
    canvas.text(WIDTH - MARGIN, 50, "opened for a rare name", "soft", "end")
    lengths = list(figures.guessed_by_length())
    rows = [(f"{bits} bits", [("blue", percent)]) for bits, percent, _ in lengths]
    bottom = bars(canvas, 60, rows, 106, unit="{:.1f} %", room=150)
    for row, (_, _, opened) in enumerate(lengths):
        canvas.text(WIDTH - MARGIN, 71.5 + 27 * row, f"{opened:,.0f}", "soft", "end")
    canvas.text(MARGIN, bottom + 22, "Guessed with a readable field beside the tag", "head")
    rows = [(what.replace("a field of ", ""), [("blue", percent)]) for what, percent in figures.guessed_beside()]
    bars(canvas, bottom + 36, rows, 106, unit="{:g} %")
    return canvas
