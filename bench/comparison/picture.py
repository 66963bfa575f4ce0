"""The picture: bars in groups, as SVG."""
import html

WIDTH, LEFT, RIGHT = 860, 270, 110
BAR, GAP, HEAD = 20, 8, 34
OWN, OTHER, INK, PALE = "#1f6f5c", "#9aa5ad", "#20262b", "#5b666e"


class Chart:
    """Groups of bars, a bar a competitor, in the order in which they came."""

    def __init__(self):
        self.groups = {}

    def add(self, group, name, value, own=False):
        self.groups.setdefault(group, []).append((name, value, own))

    def as_json(self):
        return {group: [{"name": name, "per_second": value} for name, value, _ in bars] for group, bars in self.groups.items()}

    def svg(self, caption):
        parts, y = [], 10
        for group, bars in self.groups.items():
            parts.append(text(16, y + 20, group, size=15, weight="bold"))
            y += HEAD
            most = max(value for _, value, _ in bars)
            for name, value, own in sorted(bars, key=lambda bar: -bar[1]):
                width = max(1.0, (WIDTH - LEFT - RIGHT) * value / most)
                parts.append(text(LEFT - 10, y + 15, name, anchor="end", weight="bold" if own else "normal"))
                parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{OWN if own else OTHER}"/>')
                parts.append(text(LEFT + width + 8, y + 15, rounded(value), weight="bold" if own else "normal"))
                y += BAR + GAP
            y += 12
        parts.append(text(16, y + 10, caption, size=11, fill=PALE))
        height = y + 26
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
                f'font-family="DejaVu Sans, Verdana, sans-serif">\n<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
                + "\n".join(parts) + "\n</svg>\n")


def text(x, y, words, size=13, anchor="start", weight="normal", fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">'
            f"{html.escape(words)}</text>")


def rounded(value):
    """Two digits that mean something: 1.9 M, 450 k."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            scaled = value / size
            return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:.0f} {unit}"
    return f"{value:.0f}"
