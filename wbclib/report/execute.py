"""Executing a notebook: papermill, but strict.

papermill only warns of an unknown parameter or a missing ``parameters`` tag; here both are errors, found
before anything runs. The kernel is always the interpreter that calls, whatever kernels a machine knows.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from wbclib import paths
from wbclib.files import UserError, write_text
from wbclib.report.notebooks import read, tagged

# Warnings that a cell or our code causes are errors; those that Jupyter's own machinery causes are not ours.
STRICT = "import warnings; warnings.filterwarnings('error', module=r'(wbclib|__main__|numpy|pandas|matplotlib)(\\.|$)')"
LOG = logging.getLogger(__name__)
logging.getLogger("papermill").setLevel(logging.WARNING)
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class OwnKernel(AsyncKernelManager):
    """A kernel of the calling interpreter; no kernel specification of the machine is looked at."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=40"]
        return KernelSpec(
            argv=[*argv, f"--IPKernelApp.exec_lines={STRICT}"], language="python", display_name="Python 3"
        )


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> None:
    """UserError unless the notebook has one ``parameters`` cell that names every parameter."""
    import papermill

    cells = tagged(read(path), "parameters")
    if len(cells) != 1:
        raise UserError(f"{paths.shown(path)} has {len(cells)} cells tagged 'parameters'; tag exactly one")
    known = papermill.inspect_notebook(_literal(path))
    if unknown := sorted(set(parameters) - set(known)):
        raise UserError(
            f"{paths.shown(path)} has no parameter {unknown[0]!r}; its parameters are: {', '.join(known) or 'none'}"
        )


def _literal(path: Path) -> str:
    """A path as papermill wants it, to which braces are places for parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")


@contextmanager
def _environment(**values: str):  # type: ignore[no-untyped-def]
    old = {key: os.environ.get(key) for key in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in old.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)


def execute(path: Path, target: Path, parameters: Mapping[str, Any], *, threads: int | None = 1) -> NotebookNode:
    """Execute ``path`` with ``parameters`` and write the executed copy to ``target``, whole or not at all.

    Args:
        threads: threads of the numerical libraries in the kernel; None leaves them every core. A fixed number
            keeps the results independent of how many notebooks run side by side.

    Raises:
        UserError: a parameter or tag is wrong (nothing ran), or a cell failed; then what was executed so far
            is in ``<target>.failed.ipynb``, the traceback's end was printed, and ``target`` is as it was.
    """
    from papermill.exceptions import PapermillExecutionError

    check_parameters(path, parameters)
    failed = target.with_suffix(".failed.ipynb")
    limits = {} if threads is None else {f"{kind}_NUM_THREADS": str(threads) for kind in ("OMP", "MKL", "OPENBLAS")}
    with tempfile.TemporaryDirectory() as folder, _environment(PYTHONPATH=_modules(), **limits, **{paths.STATIC: "1"}):
        draft = Path(folder) / path.name
        # fmt: off
        arguments = dict(
            input_path=_literal(path), output_path=_literal(draft), parameters=dict(parameters), kernel_name="python3",
            language="python", progress_bar=False, cwd=str(path.parent), kernel_manager_class=OwnKernel,
        )
        # fmt: on
        try:
            _run(arguments)
        except (PapermillExecutionError, DeadKernelError) as error:
            write_text(failed, nbformat.writes(scrub(read(draft), path, target)) + "\n")
            raise UserError(_explain(error, path, failed)) from error
        notebook = scrub(read(draft), path, target)
    write_text(target, nbformat.writes(notebook) + "\n")
    failed.unlink(missing_ok=True)
    return notebook


def _run(arguments: dict[str, Any], tries: int = 2) -> None:
    """papermill's execution; a kernel that died before its first cell, when nothing had run, is started once more."""
    import papermill

    for left in reversed(range(tries)):
        try:
            papermill.execute_notebook(**arguments)
            return
        except KeyboardInterrupt:
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # else it tells of the cell that is left alone
            raise
        except RuntimeError as error:
            if "before replying" not in str(error):
                raise
            name = arguments["input_path"].rsplit("/", 1)[-1]
            if not left:
                raise UserError(f"{name}: its kernel does not start ({error}); is there memory left?") from error
            LOG.warning("%s: its kernel did not start; trying once more", name)


def _modules() -> str:
    return os.pathsep.join(filter(None, [str(paths.CHECKOUT), os.environ.get("PYTHONPATH")]))


def _explain(error: Exception, path: Path, failed: Path) -> str:
    """Print where the notebook failed; return the one line that says what to do."""
    traceback = [ANSI.sub("", line) for part in getattr(error, "traceback", []) for line in part.splitlines()]
    cell = getattr(error, "cell_index", None)
    reason = f"{getattr(error, 'ename', type(error).__name__)}: {getattr(error, 'evalue', error)}".splitlines()[0]
    where = "" if cell is None else f" in cell {cell + 1}"
    print(f"--- {paths.shown(path)}{where}", *traceback[-25:], "---", sep="\n", file=sys.stderr)
    return f"{paths.shown(path)} failed{where}: {reason}; see {paths.shown(failed)}, mend it, then run again"


def scrub(notebook: NotebookNode, source: Path, target: Path) -> NotebookNode:
    """The executed copy without anything of this machine: absolute paths become relative or ``~``.

    papermill's own notes on input and output become the paths as the study shows them.
    """
    if "papermill" in notebook.metadata:
        notebook.metadata.papermill.update(input_path=paths.shown(source), output_path=paths.shown(target))
        notebook.metadata.papermill.pop("environment_variables", None)
    here = (
        (f"{paths.root()}/", ""),
        (f"{paths.CHECKOUT}/", ""),
        (str(paths.root()), "."),
        (str(paths.CHECKOUT), "."),
        (str(paths.assets()), "assets"),
        (sys.prefix, ".venv"),
        (sys.base_prefix, "python"),
        (tempfile.gettempdir() + "/", ""),
        (os.path.expanduser("~"), "~"),  # which stays "~" for a user who has no home
    )
    patterns = [(re.compile(r"(?<![\w+/=])" + re.escape(old)), new) for old, new in here if len(old) > 1]
    return nbformat.from_dict(_replace(notebook, patterns))


def _replace(value: Any, patterns: list[tuple[re.Pattern[str], str]]) -> Any:
    """``value`` with every pattern replaced in all of its texts, except in images (base64 is not prose)."""
    if isinstance(value, str):
        for pattern, new in patterns:
            value = pattern.sub(new, value)
        return value
    if isinstance(value, Mapping):
        return {k: item if str(k).startswith("image/") else _replace(item, patterns) for k, item in value.items()}
    return [_replace(item, patterns) for item in value] if isinstance(value, list) else value
