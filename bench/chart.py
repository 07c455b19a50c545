"""Draws a run: what the work costs with our library and without any, as ratios
to the C library.

The picture has no script and chooses its colours by the reader's preference.
Its width is that of a README, so the text is not scaled down there.
"""

from xml.sax.saxutils import escape

from contenders import BATCHED_FLOOR, FLOOR, OURS, REFERENCE
from rows import MEASURES
from table import day

WIDTH = 860
PLOT_LEFT = 400
PLOT_RIGHT = 790
SCALE_END = 1.2
TOP = 88
BAR = 6
BAR_GAP = 1
ROW_GAP = 8
LEAST_ROW = 14  # a line of text

BARS = (OURS, FLOOR.name, BATCHED_FLOOR.name)
KINDS = {REFERENCE: "c", OURS: "ours", FLOOR.name: "floor", BATCHED_FLOOR.name: "batched"}
LEGEND = {REFERENCE: "C library", OURS: "this library, with quartiles",
          FLOOR.name: "client without a library", BATCHED_FLOOR.name: "the same, batched"}

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.value { font-weight: 600 }
.note { fill: #59636e }
.c { fill: #d8dee4 } .ours { fill: #0969da } .floor { fill: #d98500 } .batched { fill: #1f9d63 }
.spread { stroke: #1f2328; stroke-width: 1.5 }
.grid { stroke: #818b98; stroke-opacity: .35 } .one { stroke: #59636e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .note { fill: #9198a1 }
.c { fill: #3d444d } .ours { fill: #58a6ff } .floor { fill: #e3a13a } .batched { fill: #3fb97f }
.spread { stroke: #f0f6fc } .one { stroke: #9198a1 }
}
"""


def horizontal(ratio):
    """Where a ratio is; the scale ends soon after the C library's."""
    return PLOT_LEFT + min(ratio, SCALE_END) / SCALE_END * (PLOT_RIGHT - PLOT_LEFT)


def rectangle(kind, left, top, width, height):
    return (f'<rect class="{kind}" x="{left:.1f}" y="{top:g}" width="{width:.1f}" '
            f'height="{height:g}"/>')


def vertical(kind, at, top, bottom):
    return f'<line class="{kind}" x1="{at:.1f}" y1="{top:g}" x2="{at:.1f}" y2="{bottom:g}"/>'


def text(left, baseline, words, kind="", anchor="start"):
    return (f'<text class="{kind}" x="{left:g}" y="{baseline:g}" text-anchor="{anchor}">'
            f'{escape(words)}</text>')


def charted(run):
    """What each kind of work costs: the first measure of each row of which less is
    better, unless it is itself a ratio."""
    for row in run.rows:
        for line in row["lines"]:
            measure = MEASURES[line["measure"]]
            if not measure.more_is_better and not measure.is_ratio:
                yield row["name"], line
                break


def legend(top):
    left = 20
    for name, words in LEGEND.items():
        yield rectangle(KINDS[name], left, top - 9, 18, 10)
        yield text(left + 24, top, words)
        left += 56 + 6.8 * len(words)


def row_height(ratios):
    bars = sum(name in ratios for name in BARS)
    return max(bars * (BAR + BAR_GAP) - BAR_GAP, LEAST_ROW)


def row(name, ratios, top):
    """The C library is a band behind the bars of the others."""
    height = row_height(ratios)
    middle = top + height / 2
    yield text(PLOT_LEFT - 10, middle + 4.5, name, anchor="end")
    yield rectangle("c", PLOT_LEFT, top - 2, horizontal(1) - PLOT_LEFT, height + 4)
    bars = [contender for contender in BARS if contender in ratios]
    bar = BAR if len(bars) > 1 else 2 * BAR - 2
    at = middle - (len(bars) * (bar + BAR_GAP) - BAR_GAP) / 2
    for contender in bars:
        lower, median, upper = ratios[contender]
        yield rectangle(KINDS[contender], PLOT_LEFT, at, horizontal(median) - PLOT_LEFT, bar)
        if contender == OURS:
            yield (f'<line class="spread" x1="{horizontal(lower):.1f}" y1="{at + bar / 2:g}" '
                   f'x2="{horizontal(upper):.1f}" y2="{at + bar / 2:g}"/>')
        at += bar + BAR_GAP
    yield text(WIDTH - 20, middle + 4.5, f"{ratios[OURS][1]:.2f}", "value", "end")


def picture(run):
    lines = list(charted(run))
    bottom = TOP + sum(row_height(line["ratios"]) + ROW_GAP for _, line in lines)
    parts = [
        text(20, 26, "Cost of the same work, as a ratio to the C library's", "title"),
        text(WIDTH - 20, 26, f"{run.label}, {day(run)}", "note", "end"),
        *legend(48),
        text(WIDTH - 20, TOP - 12, "ratio", "note", "end"),
    ]
    for tenths in range(0, int(SCALE_END * 10) + 1, 2):
        at = horizontal(tenths / 10)
        parts += [vertical("grid", at, TOP - 6, bottom),
                  text(at, TOP - 12, f"{tenths / 10:g}", "note", "middle")]
    top = TOP + ROW_GAP / 2
    for name, line in lines:
        parts += row(name, line["ratios"], top)
        top += row_height(line["ratios"]) + ROW_GAP
    parts.append(vertical("one", horizontal(1), TOP - 6, bottom))
    height = bottom + 12
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH}" height="{height:g}" role="img">',
        f"<title>Cost of the same work as a ratio to the C library, {escape(run.label)}</title>",
        f"<style>{STYLE}</style>",
        *parts,
        "</svg>",
        "",
    ])
