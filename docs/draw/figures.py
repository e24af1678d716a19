"""The figures that the pictures show, read from the documents and outputs in which they are recorded."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
KEY_MODES = {
    "default": "one call each",
    "read cache": "read cache",
    "shared, 1 in 100": "shared keys",
    "hierarchical": "branch keys",
}


def table(document, first_cell):
    """The rows of the Markdown table whose heading begins with this cell, each a list of its cells."""
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
    for line in lines[start + 2:]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def number(cell):
    return float(re.search(r"[\d,.]*\d", cell).group().replace(",", ""))


def beside_aws():
    """Microseconds to seal and to open a record: {"seal": (ours, theirs), ..}."""
    rows = [row for row in _peers() if row[0] in ("seal", "open")]
    return {row[0]: (number(row[1]), number(row[2])) for row in rows}


def _peers():
    lines = (ROOT / "peers/README.md").read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def bytes_beside_aws():
    """Bytes that each library adds to the item of the comparison, under a local key: (ours, theirs)."""
    row = next(row for row in _peers() if row[0].startswith("bytes added"))
    return number(row[1]), number(row[2])


def bytes_added():
    """Bytes that sealing adds to an item: (with one KMS key, with a branch key)."""
    rows = {row[0]: number(row[1]) for row in table("docs/FORMAT.md", "what") if row[0].startswith("added to an item")}
    return tuple(rows[f"added to an item with {what}"] for what in ["one KMS key (blob of 184 bytes)", "a branch key"])


def kms_calls():
    """Of each key mode, the KMS calls for the same number of writes, reads, and the same reads again."""
    output = (Path(__file__).parent / "key_economy.txt").read_text(encoding="utf-8")
    records = int(re.search(r"^(\d+) writes", output, re.MULTILINE).group(1))
    rows = []
    for mode, name in KEY_MODES.items():
        line = next(line for line in output.splitlines() if line.startswith(mode))
        rows.append((name, [int(word) for word in line[len(mode):].split()[:3]]))
    return records, rows


def table_calls():
    """Microseconds a record, of calls with a warm branch key: (name, plain SDK, with Envelope)."""
    output = (ROOT / "benches/tables.txt").read_text(encoding="utf-8").split("warm branch key", 1)[1]
    # The row of the benchmark, its name for readers, and how many records a call has.
    for row, name, records in [
        ("put", "put", 1),
        ("get", "get", 1),
        ("batch_put of 25", "batch_put", 25),
        ("batch_get of 25", "batch_get", 25),
        ("query of 1,000", "query", 1000),
    ]:
        line = next(line for line in output.splitlines() if line.startswith(row))
        ours, plain = (float(word) / records for word in line[len(row):].split()[:2])
        yield name, plain, ours


def guessed_by_length():
    """What a rank attack names: (bits of a tag, percent of the records, records opened for a rare value)."""
    for row in table("docs/guide/search.md", "bits of a tag, tags of a value"):
        bits, tags = row[0].split(", ")
        if tags == "1":
            yield int(bits), number(row[1]), number(row[5])


def guessed_beside():
    """What an attack with a readable field names: (the field, percent of the records)."""
    for what, percent in table("docs/guide/search.md", "readable beside the tag"):
        yield what, number(percent)
