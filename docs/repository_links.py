#!/usr/bin/env python3
"""A preprocessor of mdBook: makes links that are right in the repository right in the book.

A page may link to any file of the repository, by a path relative to itself. In the book, a link to a chapter leads to
the chapter, wherever its file is, and a link to another file leads to that file's public address. The address is the
`repository` of the workspace in Cargo.toml. As long as that is a placeholder, the link becomes its text and the file's path.

A chapter that is the README.md of another folder, such as the decisions, is followed by the other pages of its folder,
so that SUMMARY.md need not list them.
"""

import json
import posixpath
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE = "docs/guide/"
# Fenced blocks and code spans stay as they are. The link's text may have code spans.
PIECE = re.compile(r"^ *```.*?^ *```|\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^)\s]+)\)|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def repository():
    """The public address of the repository. None for the placeholder that Cargo.toml has until there is one."""
    found = re.search(r'^repository = "(.+?)/?"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    return found.group(1) if found and "/OWNER/" not in found.group(1) else None


def chapters(items):
    """All chapters that have a file, with those below them."""
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            if chapter["path"]:
                yield chapter
            yield from chapters(chapter["sub_items"])


def in_repository(path):
    """The path in the repository of a path that is relative to the guide."""
    return posixpath.normpath(posixpath.join(GUIDE, path))


def in_book(file):
    """Where the book has a chapter. Those from outside of the guide are beside its pages."""
    path = file.removeprefix(GUIDE).removeprefix("docs/")
    return re.sub(r"(^|/)README\.md$", r"\1index.md", path)


def add_folder(readme):
    """Gives a README.md the other pages of its folder as chapters below it."""
    for file in sorted((ROOT / in_repository(readme["path"])).parent.glob("*.md")):
        if file.name != "README.md":
            content = file.read_text(encoding="utf-8")
            path = posixpath.join(posixpath.dirname(readme["path"]), file.name)
            number = readme["number"] + [len(readme["sub_items"]) + 1]
            chapter = {"name": content.partition("\n")[0].lstrip("# "), "content": content, "number": number}
            chapter |= {"path": path, "source_path": path, "sub_items": [], "parent_names": [readme["name"]]}
            readme["sub_items"].append({"Chapter": chapter})


def rewritten(link, file, book, address):
    """What the book has in place of a match of PIECE in the page `file`.

    >>> book = {"docs/FORMAT.md", "docs/guide/README.md", "docs/guide/keys.md", "docs/adr/0010-streams.md"}
    >>> def page(text, file="docs/guide/keys.md", address=None):
    ...     return PIECE.sub(lambda link: rewritten(link, file, book, address), text)
    >>> page("[guide](README.md), [format](../FORMAT.md#9-limits), [why](../adr/0010-streams.md)")
    '[guide](index.md), [format](FORMAT.md#9-limits), [why](adr/0010-streams.md)'
    >>> page("[keys](../guide/keys.md) ![record](../guide/pictures/record.svg)", "docs/adr/0010-streams.md")
    '[keys](../keys.md) ![record](../pictures/record.svg)'
    >>> page("[code](../../tests/guide.sh), [`benches/`](../../benches/README.md)")
    'code (`tests/guide.sh`), `benches/`'
    >>> page("[code](../../tests/guide.sh)", address="https://example.org/repository")
    '[code](https://example.org/repository/blob/main/tests/guide.sh)'
    >>> page("`[a](b.md)` [c](https://example.org/d) [e](#f)")
    '`[a](b.md)` [c](https://example.org/d) [e](#f)'
    """
    text, target = link.groups()
    if target is None or re.match(r"[a-z]+:|#", target):
        return link.group()
    path, hash_, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    folder = posixpath.dirname(in_book(file))
    if path in book or path.startswith(GUIDE):
        return f"[{text}]({posixpath.relpath(in_book(path), folder or '.')}{hash_}{anchor})"
    if address:
        return f"[{text}]({address}/blob/main/{path}{hash_}{anchor})"
    says_path = re.match(re.escape(text.strip("`").rstrip("/")) + r"([/.]|$)", path)
    return text if says_path else f"{text} (`{path}`)"


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    address = repository()
    for page in list(chapters(book["items"])):
        if re.fullmatch(r"\.\./.+/README\.md", page["path"]):
            add_folder(page)
    pages = list(chapters(book["items"]))
    files = {in_repository(page["path"]) for page in pages}
    for page in pages:
        file = in_repository(page["path"])
        page["content"] = PIECE.sub(lambda link: rewritten(link, file, files, address), page["content"])
        page["path"] = in_book(file)
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    main()
