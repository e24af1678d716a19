#!/usr/bin/env python3
"""Checks the links of a built book: every file and every anchor exists, and nothing is loaded from elsewhere.

usage: check_book.py FOLDER
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes by which a page loads something; a link only leads somewhere.
LOADS = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "src"), ("iframe", "src"), ("object", "data")}


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                assert value not in self.ids, f"two elements have the id {value}"
                self.ids.add(value)
            elif (tag, name) in LOADS:
                self.loads.append(value)
            elif (tag, name) == ("a", "href"):
                self.links.append(value)


def problems(folder):
    """All that is wrong, each with its page, and how many links there are."""
    pages = {path: Page(path) for path in sorted(folder.rglob("*.html"))}
    count = 0
    for path, page in pages.items():
        for url in page.links + page.loads:
            count += 1
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                if url in page.loads and parts.scheme != "data":
                    yield f"{path.name}: loads {url}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if not target.is_file() or not target.is_relative_to(folder):
                yield f"{path.name}: no such file: {url}"
            elif parts.fragment and unquote(parts.fragment) not in pages[target].ids:
                yield f"{path.name}: no such anchor: {url}"
    if len(pages) < 15 or count < 1000:
        yield f"only {len(pages)} pages and {count} links: is this the book?"
    print(f"{len(pages)} pages, {count} links")


def main():
    found = list(problems(Path(sys.argv[1]).resolve()))
    for problem in found:
        print(problem, file=sys.stderr)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
