#!/usr/bin/env python3
"""Draws the pictures of the guide, of README.md and of the benchmarks.

    docs/draw/draw.py            # writes all
    docs/draw/draw.py --check    # fails if a committed picture is not the one that would be drawn
"""

import sys

import charts
import diagrams
from figures import ROOT

PICTURES = {
    "benches/tables.svg": charts.table_calls,
    "docs/guide/pictures/record.svg": diagrams.record,
    "docs/guide/pictures/data-key.svg": diagrams.data_key,
    "docs/guide/pictures/beside-aws.svg": charts.beside_aws,
    "docs/guide/pictures/kms-calls.svg": charts.kms_calls,
    "docs/guide/pictures/equality.svg": charts.equality,
}


def main():
    other = []
    for name, draw in PICTURES.items():
        path, svg = ROOT / name, draw().svg()
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(svg, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != svg:
            other.append(name)
    kept = {str(path.relative_to(ROOT)) for path in (ROOT / "docs/guide/pictures").iterdir()}
    if unknown := kept - PICTURES.keys():
        sys.exit(f"not drawn by docs/draw/draw.py: {', '.join(sorted(unknown))}")
    if other:
        sys.exit(f"figures or drawing have changed: run docs/draw/draw.py and look at {', '.join(other)}")


if __name__ == "__main__":
    main()
