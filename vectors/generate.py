"""Writes vectors/v1 and vectors/stream-v1, one JSON file a case; see README.md.

The same files come out on every machine: keys and salts follow from the names of the cases. Vectors are append-only,
so a file that is there already and would change is an error, and nothing is written.
"""

import json, pathlib, sys

import branches, direct, groups, kms_keys, opening, refusing, rsa_keys, searching, streams, whole_items

FOLDERS = {"v1": (opening, refusing, branches, groups), "stream-v1": (streams,), "kms-v1": (kms_keys,), "rsa-v1": (rsa_keys,), "item-v1": (whole_items,), "direct-v1": (direct,), "search-v1": (searching,)}


def main():
    files = {}
    for folder, families in FOLDERS.items():
        for name, vector in (vector for family in families for vector in family.vectors()):
            path = pathlib.Path(__file__).parent / folder / f"{name}.json"
            if path in files:
                sys.exit(f"two vectors have one name: {name}")
            path.parent.mkdir(exist_ok=True)
            files[path] = json.dumps(vector, ensure_ascii=False, indent=2) + "\n"
    changed = [path.name for path, text in files.items() if path.exists() and path.read_text(encoding="utf-8") != text]
    if changed:
        sys.exit("vectors are append-only, but these would change: " + ", ".join(sorted(changed)))
    new = {path: text for path, text in files.items() if not path.exists()}
    for path, text in new.items():
        path.write_text(text, encoding="utf-8")
    print(f"{len(files)} vectors, {len(new)} of them new")


if __name__ == "__main__":
    main()
