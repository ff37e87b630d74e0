"""Notebooks for the tests of pages and graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
OPENING = "# 01 · Sums\n\n> How large is $\\frac{1}{2} + x^2$?\n\n$$\\sum_{i=1}^n i = \\frac{n(n+1)}{2}$$"
PICTURE = """
from wbclib.show import figures
import sys, numpy as np
print("\\x1b[31mred\\x1b[0m <b>", "__file__", sys.prefix)
print("progress", file=sys.stderr)
figures.strip([np.zeros((64, 64, 3), np.uint8)], ["a black square"])
"""
LEARNT = """
from IPython.display import HTML, Markdown, display
display(Markdown(f"The sum of $n = {n}$ numbers is {sum(range(n + 1))}. It is small."))
display(HTML('<script src="https://example.org/x.js"></script><table><tr><td>cell</td></tr></table>'))
"""


def written(folder: Path, name: str, *cells: NotebookNode, **metadata: Any) -> Path:
    """A notebook file made of these cells."""
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=list(cells), metadata={**KERNEL, **metadata}), path)
    return path


def code(source: str, *tags: str) -> NotebookNode:
    return v4.new_code_cell(source.strip(), metadata={"tags": list(tags)})


def good(folder: Path) -> Path:
    """A notebook that has all that a page needs."""
    return written(
        folder,
        "01-sums",
        v4.new_markdown_cell(OPENING),
        code('profile = "quick"\nn = 3', "parameters"),
        code(PICTURE, "cover"),
        code(LEARNT, "learnt"),
        wbc={"parameters": {"smoke": {"n": 4}}},
    )
