"""A table of texts in columns for a terminal, for Markdown, or for LaTeX."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_TEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "✓": r"$\checkmark$", "–": "--",
        "→": r"$\rightarrow$", "±": r"$\pm$"}  # fmt: skip


def in_columns(columns: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> str:
    """Return lines for a terminal: a rule under the names, numbers to the right, `left` columns to the left."""
    table = [columns, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    lines = []
    for row in table:
        cells = (
            cell.ljust(width) if column in left else cell.rjust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def in_markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = ()) -> str:
    """Return a Markdown table."""
    rule = ["---" if column in left else "---:" for column in columns]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def in_latex(
    columns: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[str] = (), total: bool = False
) -> str:
    """Return a LaTeX tabular (package booktabs); with `total` a rule stands before the last row."""
    kinds = "".join("l" if column in left else "r" for column in columns)
    body = [f"{' & '.join(map(tex, row))} \\\\" for row in rows]
    if total:
        body.insert(-1, r"\midrule")
    head = f"{' & '.join(map(tex, columns))} \\\\"
    return "\n".join([rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule",
                      r"\end{tabular}"])  # fmt: skip


def tex(text: str) -> str:
    r"""Return a text with LaTeX's special characters written out.

    >>> tex("5 % of conv_1")
    '5 \\% of conv\\_1'
    """
    return "".join(_TEX.get(c, c) for c in text)


GRIDS = {"table": in_columns, "markdown": in_markdown, "latex": in_latex}
"""How a table is printed, by the name of the format."""
