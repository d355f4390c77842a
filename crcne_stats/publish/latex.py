"""Tables as LaTeX: booktabs, broken over pages where they are long, a note below as APA has it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from crcne_stats.view.documents import Grid

_MARKS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "−": r"$-$", "\u202f": r"\,", "\u00a0": "~", "×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$",
    "≈": r"$\approx$", "→": r"$\rightarrow$", "·": r"\textperiodcentered{}", "²": r"$^2$", "₀": r"$_0$",
    "α": r"$\alpha$", "β": r"$\beta$", "κ": r"$\kappa$", "λ": r"$\lambda$", "ρ": r"$\rho$", "σ": r"$\sigma$",
    "τ": r"$\tau$", "χ": r"$\chi$", "ω": r"$\omega$", "Φ": r"$\Phi$", "θ": r"$\theta$", "δ": r"$\delta$",
    "Δ": r"$\Delta$", "½": r"$\frac{1}{2}$", "–": "--", "—": "---", "’": "'", "…": r"\dots{}", "“": "``", "”": "''",
}  # fmt: skip
"""What LaTeX writes otherwise; the accents of French and English it knows."""
_WIDE = 7
"""Columns from which a table is set smaller."""
_TEXT = 24
"""Letters from which a column of words is broken over lines."""

_PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{lmodern}\else\usepackage{fontspec}\fi
\usepackage[LANGUAGE]{babel}
\usepackage[margin=20mm]{geometry}
\usepackage{array,booktabs,caption,longtable}
\captionsetup[longtable]{justification=raggedright,singlelinecheck=false,width=0.98\textwidth,skip=4pt}
\setlength{\LTleft}{0pt}
\setlength{\LTright}{0pt}
\setlength{\tabcolsep}{4pt}
\begin{document}
"""
_BABEL = {"fr": "french", "en": "english"}


def escaped(text: str) -> str:
    """A text in which LaTeX reads every letter as itself."""
    return "".join(_MARKS.get(letter, letter) for letter in text)


def latex_table(grid: Grid, note: str) -> str:
    """One table, to be input where a document has ``array``, ``booktabs``, ``caption`` and ``longtable``.

    ``note`` is the word before the note.
    """
    head = " & ".join(_head(grid, place) for place in range(len(grid.header)))
    size = r"\footnotesize" if len(grid.header) >= _WIDE else r"\small"
    lines = [
        rf"% {grid.name}",
        rf"\begingroup{size}",
        rf"\begin{{longtable}}{{@{{}}{_columns(grid)}@{{}}}}",
        rf"\caption*{{\textbf{{{escaped(grid.label)}}}\\ \textit{{{escaped(grid.title)}}}}}\\",
        r"\toprule",
        head + r"\\",
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        head + r"\\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *(" & ".join(_cell(text) for text in row) + r"\\" for row in grid.rows),
        r"\end{longtable}",
    ]
    if grid.note:
        lines += [r"\vspace{-1ex}\noindent\textit{" + escaped(note) + "} " + escaped(grid.note) + r"\par"]
    return "\n".join([*lines, r"\endgroup", ""])


def latex_document(grids: Sequence[Grid], lang: str) -> str:
    """A document that inputs each table from ``tables/``, ready to be compiled."""
    inputs = "\n\\bigskip\n".join(rf"\input{{tables/{grid.name}}}" for grid in grids)
    return _PREAMBLE.replace("LANGUAGE", _BABEL.get(lang, "english")) + inputs + "\n\\end{document}\n"


def _columns(grid: Grid) -> str:
    return "".join(_column(grid, place) for place in range(len(grid.header)))


def _column(grid: Grid, place: int) -> str:
    """To the right for numbers; words to the left, in a box where they are long."""
    if grid.numeric[place]:
        return "r"
    return rf">{{\raggedright\arraybackslash}}p{{{_width(grid, place)}\textwidth}}" if _long(grid, place) else "l"


def _head(grid: Grid, place: int) -> str:
    """A header breaks over lines, so that a column is as wide as its numbers ask."""
    text, number = grid.header[place], grid.numeric[place]
    side = "r" if number else "l"
    longest = max([*(len(row[place]) for row in grid.rows), *(len(word) for word in text.split()), 1])
    lines = textwrap.wrap(text, min(longest, _TEXT), break_long_words=False) or [""]
    stacked = r"\\".join(escaped(line) for line in lines)
    return rf"\multicolumn{{1}}{{{side}}}{{\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{stacked}\end{{tabular}}}}"


def _long(grid: Grid, place: int) -> bool:
    return any(len(row[place]) > _TEXT for row in grid.rows)


def _width(grid: Grid, place: int) -> str:
    words = sum(not number and _long(grid, one) for one, number in enumerate(grid.numeric))
    return f"{min(0.3, 0.5 / max(words, 1)):.2f}"


def _cell(text: str) -> str:
    # A bracket that opens a row would be read as an option of the line break before it.
    return "{" + escaped(text) + "}" if text.startswith("[") else escaped(text)
