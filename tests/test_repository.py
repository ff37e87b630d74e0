"""The repository reads itself: notebooks, names, the lock, and which floor imports which."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
# A module may import from its own floor and from those before it.
FLOORS = (
    (
        "files",
        "paths",
        "formats",
        "cicp",
        "colours",
        "images",
        "values",
        "strict_yaml",
        "presets",
        "options",
        "precision",
        "variants",
        "profiles",
    ),  # fmt: skip
    ("represent", "networks"),
    ("losses", "corpora"),
    ("train", "baselines", "pack"),
    ("inference",),
    ("measure",),
    ("show",),
    ("studies", "bench"),
    ("report",),
    ("cli", "__main__"),
)
SKIPPED = re.compile(r"(\.(?!ci$).*|data|reports|__pycache__|build|.*\.egg-info)$")  # folders

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 7
    numbers = [path.stem[:2] for path in NOTEBOOKS]
    assert len(set(numbers)) == len(numbers)


@notebooks
def test_notebook_opens_with_its_question(path: Path) -> None:
    assert re.fullmatch(r"\d\d-[a-z]+(-[a-z]+)*", path.stem)
    first = cells(path, "markdown")[0].source
    assert re.match(rf"# {path.stem[:2]} · \S", first), "the first line is '# NN · title'"
    assert re.search(r"^> .*\?\s*$", first, re.MULTILINE), "a block quote asks the notebook's question"


@notebooks
def test_notebook_has_its_tags(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    tags = [tag for cell in book.cells for tag in cell.metadata.get("tags", [])]
    assert {tag: tags.count(tag) for tag in ("parameters", "cover", "learnt")} == {
        "parameters": 1,
        "cover": 1,
        "learnt": 1,
    }
    assert book.metadata.kernelspec.name == "python3"
    (parameters,) = [cell for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    names = {ast.unparse(s.targets[0]) for s in ast.parse(parameters.source).body if isinstance(s, ast.Assign)}
    assert "profile" in names, "the graph says for which profile a notebook runs"


@notebooks
def test_notebook_is_committed_without_outputs(path: Path) -> None:
    for cell in cells(path, "code"):
        assert not cell.outputs and cell.execution_count is None


@notebooks
def test_notebook_is_thin(path: Path) -> None:
    sources = [cell.source for cell in cells(path, "code")]
    assert len(sources) <= 25
    for source in sources:
        assert len(source.splitlines()) <= 20, source
        for node in ast.walk(ast.parse(re.sub(r"^%.*$", "", source, flags=re.MULTILINE))):
            assert not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)), source
            if isinstance(node, (ast.For, ast.While)):
                assert len(node.body) == 1 and not node.orelse, f"a loop does one line of work: {source}"


@notebooks
def test_notebook_names_known_neighbours(path: Path) -> None:
    declared = nbformat.read(path, as_version=4).metadata.get("wbc", {})
    assert set(declared) <= {"runs", "after", "tables", "reads", "parameters", "alone"}
    assert set(declared.get("after", [])) <= {other.stem for other in NOTEBOOKS if other.stem < path.stem}


def test_every_make_target_of_the_readme_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join(re.findall(r"`[^`]+`|```.*?```", readme(), re.DOTALL))))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert named and named <= targets
    assert {"help", "setup", "reproduce", "lab", "test", "check", "bench", "clean"} <= targets


@pytest.mark.parametrize("name", ["quick", "$HOME.yaml", 'it\'s "{x}": `id` $(id) é.yaml', "a#b.yaml"])
def test_make_takes_the_name_of_a_profile_as_it_stands(name: str) -> None:
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "PROFILE"))}
    words = ["make", "help", f"PROFILE={name}"]
    done = subprocess.run(words, cwd=ROOT, env=outside, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.splitlines()[0].startswith(f"make TARGET [PROFILE={name}] [JOBS=")


def readme() -> str:
    return (ROOT / "README.md").read_text("utf-8")


def locked() -> dict[str, list[str]]:
    """Package -> its exact versions in the lock (one a platform at most)."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.\[\]-]+)==(\S+)", LOCK, re.MULTILINE):
        found.setdefault(canonicalize_name(name.split("[")[0]), []).append(version)
    return found


def test_lock_satisfies_pyproject() -> None:
    wanted = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]
    wanted += PROJECT["build-system"]["requires"]
    for requirement in map(Requirement, wanted):
        versions = locked().get(canonicalize_name(requirement.name))
        assert versions, f"{requirement.name} is not in requirements.lock: make lock"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement} but {version} is locked: make lock"


def test_lock_has_a_hash_for_every_package_and_no_address() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    for block in blocks:
        assert re.match(r"[A-Za-z0-9_.\[\]-]+==\S+", block) and re.search(r"--hash=sha256:[0-9a-f]{64}", block), block
    assert "://" not in LOCK and "--index" not in LOCK and "--extra-index" not in LOCK


def test_lock_is_what_conda_installs() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    (python,) = [d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python ")]
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["-r requirements.lock"]
    assert SpecifierSet(python.removeprefix("python ")) == SpecifierSet(PROJECT["project"]["requires-python"])


def texts() -> list[Path]:
    """Every text file of the checkout that people write."""
    kinds = {".py", ".md", ".toml", ".yml", ".yaml", ".ipynb", ".lock", ".j2", ".css", ".cff", ".csv", ".json", ""}
    found = [path for path in ROOT.rglob("*") if not any(map(SKIPPED.match, path.relative_to(ROOT).parts[:-1]))]
    found = [path for path in found if path.name != ".git"]  # a file in a worktree
    return [path for path in found if path.is_file() and path.suffix in kinds]


def test_no_file_knows_a_machine_or_a_registry() -> None:
    registries = "|".join(
        ["py" + r"pi\.org", "python" + r"hosted\.org", "down" + r"load\.pytorch\.org/whl", "anaconda" + r"\.org"]
    )
    machine = r"(?<![\w.~)}-])/" + r"(?:home|Users|root|work|tmp|mnt|opt)/[\w.-]+"
    for path in texts():
        text = path.read_text("utf-8")
        for pattern in (registries, machine):
            found = re.search(pattern, text)
            assert not found, f"{path.relative_to(ROOT)} names {found and found[0]}"


def imports(path: Path) -> set[str]:
    """Rooms of wbclib that a module imports, at any depth of its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "wbclib":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wbclib."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: say wbclib., not a relative import"
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("wbclib.")}
    return found


def test_nothing_imports_upwards() -> None:
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    for path in sorted((ROOT / "wbclib").rglob("*.py")):
        room = path.relative_to(ROOT / "wbclib").parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in floor, f"wbclib/{room} has no floor: name one in this test and in DESIGN"
        for other in imports(path):
            assert floor[other] <= floor[room], f"{path.relative_to(ROOT)} imports wbclib.{other} from above"
