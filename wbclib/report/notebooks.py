"""The committed notebooks: which there are, and reading them."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from wbclib import paths
from wbclib.files import UserError
from wbclib.profiles import Profile


def names() -> list[str]:
    """Names (without suffix) of the committed notebooks in reading order."""
    return sorted(path.stem for path in paths.notebooks().glob("[0-9][0-9]-*.ipynb"))


def of(profile: Profile) -> list[str]:
    """Names of the notebooks that a profile asks for, in order.

    Raises:
        UserError: one of them is not there.
    """
    there = names()
    if unknown := sorted(set(profile.notebooks) - set(there)):
        raise UserError(f"profile {profile.name}, notebooks: there is no {unknown[0]!r}; there are: {', '.join(there)}")
    return [name for name in there if not profile.notebooks or name in profile.notebooks]


def read_notebook(name: str) -> NotebookNode:
    """A committed notebook by its name without suffix; UserError where it is missing or damaged."""
    return read(paths.notebooks() / f"{name}.ipynb")


def read(path: Path) -> NotebookNode:
    """A notebook file as format 4; UserError where it is missing or damaged."""
    if not path.is_file():
        raise UserError(f"there is no notebook {paths.shown(path)}; notebooks/ has those that can be named")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises several kinds
        raise UserError(
            f"{paths.shown(path)} is not a notebook ({type(error).__name__}); restore it from git"
        ) from error


def tables_of(notebook: NotebookNode) -> list[str]:
    """Names of the tables that a notebook saves, in its order."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "tables.save" and len(node.args) > 1):
                continue
            if isinstance(node.args[1], ast.Constant):
                found.append(str(node.args[1].value))
    return found


def tagged(notebook: NotebookNode, tag: str) -> list[NotebookNode]:
    """Cells of a notebook that carry a tag."""
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
