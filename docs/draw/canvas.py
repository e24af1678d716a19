"""One picture: shapes, text and colours that are readable on a light and on a dark page.

A picture has a background of its own, because only the browser's colour scheme is known to it, and not the page's. It is
480 wide, so that its text is readable on a phone.
"""

from html import escape

WIDTH = 480
MARGIN = 16
# Of each colour: its name, light and dark. `blue`, `grey` and `orange` are for bars, the last four for areas with text.
COLOURS = {
    "page": ("#ffffff", "#0d1117"),
    "line": ("#59636e", "#9198a1"),
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9198a1"),
    "blue": ("#0969da", "#4493f8"),
    "grey": ("#8c959f", "#6e7681"),
    "orange": ("#bc4c00", "#db6d28"),
    "sealed": ("#cfe4ff", "#12325c"),
    "key": ("#ffe2c6", "#5a3211"),
    "open": ("#eaeef2", "#262c34"),
    "bound": ("#d3f1da", "#12401f"),
}
RULES = [
    ("text", "fill", "ink"),
    (".soft", "fill", "soft"),
    (".line", "stroke", "line"),
    (".tip", "fill", "line"),
    *((f".{name}", "fill", name) for name in ["page", "blue", "grey", "orange", "sealed", "key", "open", "bound"]),
]
FONT = "text { font: 14px system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif } " \
    ".soft, .small { font-size: 13px } .code { font-family: ui-monospace, 'Liberation Mono', monospace; font-size: 13px } " \
    ".head { font-weight: 600 } .line { fill: none; stroke-width: 1.2 }"


class Canvas:
    """Collects shapes from the top to the bottom."""

    def __init__(self, label):
        self.label, self.shapes, self.bottom = label, [], 0

    def text(self, x, y, text, kind="", anchor="start"):
        """Text on the baseline `y`."""
        kind = f' class="{kind}"' if kind else ""
        anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._add(f'<text x="{x:g}" y="{y:g}"{kind}{anchor}>{escape(text, quote=False)}</text>', y + 4)

    def box(self, x, y, width, height, kind, lines=(), radius=4):
        """An area with a line around it, and lines of text in its middle."""
        self.area(x, y, width, height, kind, radius)
        self._add(f'<rect class="line" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>', 0)
        first = y + height / 2 + 5 - 8 * (len(lines) - 1)
        for number, line in enumerate(lines):
            line, kind = line if isinstance(line, tuple) else (line, "")
            self.text(x + width / 2, first + 16 * number, line, kind, "middle")

    def area(self, x, y, width, height, kind, radius=2):
        shape = f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'
        self._add(shape, y + height)

    def path(self, points, tip=False):
        """A line through points; with a tip it is an arrow to the last one, which it reaches from the left or above."""
        way = " ".join(f"{x:g},{y:g}" for x, y in points)
        self._add(f'<polyline class="line" points="{way}"/>', 0)
        if tip:
            (before_x, before_y), (x, y) = points[-2:]
            wings = [(x - 7, y - 4), (x - 7, y + 4)] if before_y == y else [(x - 4, y - 7), (x + 4, y - 7)]
            way = " ".join(f"{x:g},{y:g}" for x, y in [(x, y), *wings])
            self._add(f'<polygon class="tip" points="{way}"/>', 0)

    def svg(self):
        height = round(self.bottom + MARGIN)
        light = " ".join(f"{rule} {{ {what}: {COLOURS[colour][0]} }}" for rule, what, colour in RULES)
        dark = " ".join(f"{rule} {{ {what}: {COLOURS[colour][1]} }}" for rule, what, colour in RULES)
        label = escape(self.label)
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">',
            f"<style>{light} {FONT} @media (prefers-color-scheme: dark) {{ {dark} }}</style>",
            f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
            *self.shapes,
            "</svg>",
            "",
        ])

    def _add(self, shape, bottom):
        self.shapes.append(shape)
        self.bottom = max(self.bottom, bottom)


def bars(canvas, top, rows, left, largest=None, unit="{:,.0f}", room=76):
    """Bars below each other: rows of (label, [(kind, value)]); returns the y below them."""
    largest = largest or max(value for _, row in rows for _, value in row)
    scale = (WIDTH - left - MARGIN - room) / largest
    for label, row in rows:
        height = 17 * len(row)
        canvas.text(left - 8, top + height / 2 + 4.5, label, "", "end")
        for number, (kind, value) in enumerate(row):
            y, width = top + 17 * number, value * scale
            if value:
                canvas.area(left, y, max(width, 1), 14, kind)
            canvas.text(left + width + 6, y + 11.5, unit.format(value), "soft")
        top += height + 10
    return top


def legend(canvas, top, entries):
    """Coloured squares with names, in one line."""
    x = MARGIN
    for kind, name in entries:
        canvas.area(x, top, 12, 12, kind)
        canvas.text(x + 18, top + 11, name, "small")
        x += 18 + 7.1 * len(name) + 18
    return top + 12
