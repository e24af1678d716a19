#!/usr/bin/env python3
"""Draws the output of the benchmark `tables` as benches/tables.svg, and prints its table for benches/README.md.

    cargo bench --workspace --bench tables > benches/tables.txt
    benches/draw.py

The picture is readable on a light and on a dark page.
"""

from pathlib import Path

HERE = Path(__file__).parent
# The row of the benchmark, its name for readers, and how many records a call has.
CALLS = [
    ("put", "put", 1),
    ("get", "get", 1),
    ("batch_put of 25", "batch_put", 25),
    ("batch_get of 25", "batch_get", 25),
    ("query of 1,000", "query", 1000),
]
KEYS = "warm branch key"
WIDTH, LEFT, ROW, BAR = 640, 96, 46, 15
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 12px; fill: #57606a }
  .plain { fill: #8c959f }
  .sealed { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .plain { fill: #6e7681 }
    .sealed { fill: #4493f8 }
  }
"""


def figures(output):
    """Microseconds a record: (name, plain SDK, with Envelope), of the rows under the heading that names KEYS."""
    rows = output.split(KEYS, 1)[1].splitlines()
    for row, name, records in CALLS:
        line = next(line for line in rows if line.startswith(row))
        table, plain = (float(word) / records for word in line[len(row):].split()[:2])
        yield name, plain, table


def picture(calls):
    height = 40 + ROW * len(calls)
    scale = (WIDTH - LEFT - 80) / max(max(plain, table) for _, plain, table in calls)
    label = "Microseconds a record with the plain SDK, and with Envelope"
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">'
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="plain" x="{LEFT}" y="8" width="12" height="12"/>'
    yield f'<text x="{LEFT + 18}" y="19">plain SDK, not encrypted</text>'
    yield f'<rect class="sealed" x="{LEFT + 210}" y="8" width="12" height="12"/>'
    yield f'<text x="{LEFT + 228}" y="19">Envelope, encrypted</text>'
    for position, (name, plain, table) in enumerate(calls):
        top = 34 + ROW * position
        yield f'<text x="{LEFT - 10}" y="{top + 21}" text-anchor="end">{name}</text>'
        for offset, kind, value in [(0, "plain", plain), (BAR + 1, "sealed", table)]:
            width = value * scale
            yield f'<rect class="{kind}" x="{LEFT}" y="{top + offset}" width="{width:.1f}" height="{BAR}" rx="2"/>'
            text = f"{value:.0f} µs"
            yield f'<text class="small" x="{LEFT + width + 6:.1f}" y="{top + offset + 12}">{text}</text>'
    yield "</svg>"


def main():
    calls = list(figures((HERE / "tables.txt").read_text()))
    (HERE / "tables.svg").write_text("\n".join(picture(calls)) + "\n")
    print("| one record of 1 KiB | plain SDK | Envelope | Envelope adds |")
    print("|---|---|---|---|")
    for name, plain, table in calls:
        print(f"| `{name}` | {plain:.0f} µs | {table:.0f} µs | {table - plain:.0f} µs |")


if __name__ == "__main__":
    main()
