#!/usr/bin/env python3
"""Draws the output of the benchmark `tables` as benches/tables.svg, and prints its table for benches/README.md.

    cargo bench --workspace --bench tables > benches/tables.txt
    benches/draw.py

docs/draw/ reads the figures and draws the picture, as it does for the guide.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "docs/draw"))
sys.dont_write_bytecode = True

import charts  # noqa: E402
import figures  # noqa: E402


def main():
    (HERE / "tables.svg").write_text(charts.table_calls().svg(), encoding="utf-8")
    print("| one record of 1 KiB | plain SDK | Envelope | Envelope adds |")
    print("|---|---|---|---|")
    for name, plain, table in figures.table_calls():
        print(f"| `{name}` | {plain:.1f} µs | {table:.1f} µs | {table - plain:.1f} µs |")


if __name__ == "__main__":
    main()
