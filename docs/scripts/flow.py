"""The drawing of the data flow, for onboarding."""

from __future__ import annotations

from html import escape

STAGES = (
    ("recognize", "a path or a live object", "Artifact", "plugins say whose file it is"),
    ("plan", "Artifact", "Plan of Routes", "pure; again after every step"),
    ("step", "Route", "Job → Outcome", "in a process, in its environment"),
    ("verify", "Outcome", "StepRecord", "against the pristine source"),
    ("check", "the last Artifact", "ValidationReport", "the device's rules"),
    ("deliver", "all of it", "ConversionResult", "file, origin, report"),
)
WIDTH, HEIGHT, GAP, LEFT, TOP = 250, 64, 34, 195, 16


def picture() -> str:
    """Stages from top to bottom, what comes out of each between them, and the way back."""
    height = TOP * 2 + len(STAGES) * HEIGHT + (len(STAGES) - 1) * GAP
    boxes = "\n".join(_stage(n) for n in range(len(STAGES)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="The data flow" viewBox="0 0 900 {height}" '
        'font-family="system-ui,sans-serif" font-size="14">\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#4a6785"/></marker></defs>\n'
        f'<rect width="900" height="{height}" fill="#fff"/>\n{boxes}\n{_back()}\n</svg>\n'
    )


def _top(stage: int) -> int:
    return TOP + stage * (HEIGHT + GAP)


def _stage(number: int) -> str:
    name, takes, gives, note = STAGES[number]
    y = _top(number)
    middle = LEFT + WIDTH / 2
    box = (
        f'<rect x="{LEFT}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#eaf1f8" stroke="#4a6785"/>'
        f'<text x="{middle}" y="{y + 28}" text-anchor="middle" font-weight="bold">{escape(name)}</text>'
        f'<text x="{middle}" y="{y + 48}" text-anchor="middle" font-size="12" fill="#555">{escape(note)}</text>'
    )
    first = f'<text x="{LEFT - 16}" y="{y + 37}" text-anchor="end">{escape(takes)} →</text>' if number == 0 else ""
    if number + 1 == len(STAGES):
        return box + first + f'<text x="{LEFT + WIDTH + 16}" y="{y + 37}">→ {escape(gives)}</text>'
    below = y + HEIGHT
    arrow = f'<path d="M{middle} {below}V{below + GAP - 2}" stroke="#4a6785" fill="none" marker-end="url(#a)"/>'
    return box + first + arrow + f'<text x="{middle + 12}" y="{below + 22}" font-size="13">{escape(gives)}</text>'


def _back() -> str:
    """From verification back to the planner, on both outcomes."""
    x, start, end = LEFT + WIDTH, _top(3) + HEIGHT / 2, _top(1) + HEIGHT / 2
    path = f'<path d="M{x} {start}H{x + 90}V{end}H{x + 4}" stroke="#b3541e" stroke-dasharray="5 4" fill="none" marker-end="url(#a)"/>'
    lines = (
        "the next step, from what was measured;",
        "or, if it failed or lied: blamed by name,",
        "the next route from the last verified file",
    )
    text = "".join(
        f'<text x="{x + 100}" y="{(start + end) / 2 + 18 * (n - 1)}" font-size="13" fill="#8a3d12">{t}</text>' for n, t in enumerate(lines)
    )
    return path + text
