"""Checks a changelog by the rules of https://keepachangelog.com/en/1.1.0/: `changelog.py FILE VERSION`.

The newest section is "Unreleased" and says something, or it is the version that is to be released, with its date.
"""

import re
import sys

KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
RELEASE = re.compile(r"\[?(\d+\.\d+\.\d+)\]? - (\d{4}-\d{2}-\d{2})( \[YANKED\])?")


def mistakes(text: str, version: str) -> list[str]:
    found = []
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    sections = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    if not headings:
        return ["there is no section: begin with '## Unreleased'"]
    dates = []
    for position, heading in enumerate(headings):
        release = RELEASE.fullmatch(heading)
        if release:
            dates.append(release[2])
        elif heading not in ("Unreleased", "[Unreleased]") or position > 0:
            found.append(f"'## {heading}' is neither 'Unreleased', at the top, nor 'VERSION - YYYY-MM-DD'")
        for kind in re.findall(r"^### (.*)$", sections[position], re.MULTILINE):
            if kind not in KINDS:
                found.append(f"'### {kind}' in '{heading}' is none of {', '.join(sorted(KINDS))}")
    if dates != sorted(dates, reverse=True):
        found.append("the releases do not stand from the newest to the oldest")
    newest = next((position for position, section in enumerate(sections) if "\n- " in section), None)
    if newest is None:
        found.append("no section lists a change")
    elif newest > 0 and not headings[newest].strip("[").startswith(version):
        found.append(f"'Unreleased' is empty, and there is no section '{version} - YYYY-MM-DD'")
    return found


if __name__ == "__main__":
    path, version = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        found = mistakes(file.read(), version)
    for mistake in found:
        print(f"{path}: {mistake}", file=sys.stderr)
    sys.exit(bool(found))
