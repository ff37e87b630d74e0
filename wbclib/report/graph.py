"""The graph's knowledge: what each step needs, how it is known to be done, and how Snakemake is called.

Snakemake deletes a rule's outputs before it runs the rule and when the rule fails. Records and pages must
never be lost that way, so the outputs it sees are *stamps*: empty files below ``data/cache/stamps/<profile>``
whose names carry the hash of what they depend on. :func:`sync` makes the stamps agree with what is there.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

from wbclib import paths, profiles
from wbclib.files import UserError, digest, locked, make_folder, no_place, read_json, stopped, terminable
from wbclib.options import to_dict
from wbclib.precision import OVERRIDE, asked
from wbclib.report import notebooks, processes

BUNDLE = 4  # short runs that one process trains one after the other: it costs 10 s to start, a run of few steps 3 s
SHORT = 200  # steps
SMALL = 64  # pixels a side: crops of so few are no work for a second core
SNAKEFILE = paths.CHECKOUT / "Snakefile"


class Graph:
    """One profile's steps: training runs, notebooks, index.

    Args:
        profile: name of a profile or of a YAML file.

    Raises:
        UserError: unknown profile; a notebook that names an unknown run or notebook.
    """

    def __init__(self, profile: str) -> None:
        self.source = profiles.source(profile)
        self.profile = profiles.load(profile)
        name = self.profile.name
        # A part of Snakemake's patterns and of shell commands, so that an odd name gives way to its hash.
        self.folder = paths.stamps(name if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) else digest(name)[:16])
        self.notebooks = notebooks.of(self.profile)
        self.wants = {name: self._wants(name) for name in self.notebooks}

    def _wants(self, notebook: str) -> dict[str, Any]:
        """The notebook's metadata key ``wbc``, checked.

        It is {"runs": [names or patterns; "comparison" and "ablation" stand for the runs of those], "after": [other
        notebooks], "tables": [what it writes], "reads": [files of the study that it shows where they are there],
        "alone": true where the notebook wants every core for itself}.
        """
        declared: dict[str, Any] = notebooks.read_notebook(notebook).metadata.get("wbc", {})
        wants: dict[str, Any] = {key: list(declared.get(key, [])) for key in ("runs", "after", "tables", "reads")}
        wants["alone"] = bool(declared.get("alone", False))
        wants["runs"] = [run for name in wants["runs"] for run in self.profile.named(name)]
        for run in wants["runs"]:
            self.profile.run(run)
        if unknown := sorted(set(wants["after"]) - set(self.notebooks)):
            raise UserError(f"notebook {notebook} comes after {unknown[0]!r}, which is not in notebooks/")
        return wants

    def _stamp(self, step: str, key: Any) -> Path:
        return self.folder / f"{step}-{digest(key)[:12]}.done"

    def run_stamp(self, run: str) -> Path:
        """Stamp of a training run; its name follows the run's configuration hash."""
        return self._stamp(f"run-{run}", self.profile.hash(run))

    def notebook_stamp(self, notebook: str) -> Path:
        """Stamp of a notebook; its name follows the runs that it reads and how the profile measures."""
        apart = ("name", "title", "runs", "ablation", "notebooks")
        settings = {key: value for key, value in to_dict(self.profile).items() if key not in apart}
        runs = {run: self.profile.hash(run) for run in self.wants[notebook]["runs"]}
        return self._stamp(f"notebook-{notebook}", [settings, runs])

    def index_stamp(self) -> Path:
        """Stamp of the index page; its name follows the list of notebooks and runs."""
        return self._stamp("index", [str(self.run_stamp(r)) for r in self.profile.runs] + self.notebooks)

    def run_inputs(self, run: str) -> list[Path]:
        """Stamps that a training run waits for: that of the run whose generator it starts from."""
        init = self.profile.run(run).init
        return [self.run_stamp(init)] if init else []

    def bundles(self) -> list[list[str]]:
        """Runs that share a process, of small crops and few steps, that start from the same run or from none.

        No run starts from one of them.
        """
        if profiles.device_kind() == "cuda":
            return []
        config, ablation = self.profile.run, self.profile.named("ablation")
        apart = self.starts() | set(self.profile.compared())  # what else waits for does not share another one's fate
        ordered = [run for run in self.profile.runs if run not in ablation] + ablation
        begun: dict[str, list[str]] = {}
        init = ""
        for run in ordered:
            if run not in apart and config(run).size <= SMALL and config(run).steps <= SHORT:
                init = config(run).init or init  # one that starts from nothing joins those before it
                begun.setdefault(init, []).append(run)
        found = []
        for runs in begun.values():
            n, count = len(runs), -(-len(runs) // BUNDLE)
            found += [runs[n * k // count : n * (k + 1) // count] for k in range(count)]  # of about the same length
        return [bundle for bundle in found if len(bundle) > 1]

    def starts(self) -> set[str]:
        """Runs that other runs start from."""
        return {config.init for config in self.profile.runs.values()}

    def alone(self) -> list[str]:
        """Runs that have a process of their own."""
        shared = {run for bundle in self.bundles() for run in bundle}
        return [run for run in self.profile.runs if run not in shared]

    def cores(self, run: str, jobs: int) -> int:
        """How many of ``jobs`` cores a training run is given.

        A second core takes a step of 96 px from 0.92 s to 0.66 s, a second run beside it takes nothing from either
        (two cores, four crops): so runs share the cores, those of small crops one each. On a GPU they take turns.
        Cores are those of the networks; structure images are found by threads on all of them.
        """
        if profiles.device_kind() == "cuda":
            return jobs
        return 1 if self.profile.run(run).size <= SMALL else (jobs + 1) // 2

    def first(self) -> list[Path]:
        """Stamps of the runs that most waits for: long ones and those that others start from, but no ablation's own."""
        made, starts = self.profile.ablated(), self.starts()
        chosen = {run for run, config in self.profile.runs.items() if run in starts or config.steps > SHORT}
        return [self.run_stamp(run) for run in self.profile.runs if run in chosen and run not in made]

    def awaited(self) -> set[str]:
        """Notebooks that others come after."""
        return {name for wants in self.wants.values() for name in wants["after"]}

    def notebook_inputs(self, notebook: str) -> list[Path]:
        """Files that a notebook's pages must be newer than."""
        wants = self.wants[notebook]
        return [
            paths.notebooks() / f"{notebook}.ipynb",
            *map(self.run_stamp, wants["runs"]),
            *map(self.notebook_stamp, wants["after"]),
            *(path for name in wants["reads"] if (path := paths.root() / name).is_file()),
        ]

    def notebook_outputs(self, notebook: str) -> list[Path]:
        """Files that must exist where a notebook counts as done."""
        report, name = paths.report, self.profile.name
        pages = [report(name, "notebooks", f"{notebook}.ipynb"), report(name, "html", f"{notebook}.html")]
        return pages + [report(name, "tables", f"{table}.csv") for table in self.wants[notebook]["tables"]]

    def sync(self) -> None:
        """Make the stamps agree with what is there.

        A record of the right configuration stamps its run (so that a fresh clone with committed records
        trains nothing); a record or page that has gone takes its stamp along.
        """
        for run in self.profile.runs:
            record, stamp = paths.record(self.profile.name, run), self.run_stamp(run)
            if not record.is_file() or read_json(record).get("config_hash") != self.profile.hash(run):
                stamp.unlink(missing_ok=True)
            elif not stamp.exists() or record.stat().st_mtime > stamp.stat().st_mtime:
                make_folder(stamp.parent)
                stamp.touch()
        for notebook in self.notebooks:
            if not all(path.is_file() for path in self.notebook_outputs(notebook)):
                self.notebook_stamp(notebook).unlink(missing_ok=True)
        if not self.index().is_file():
            self.index_stamp().unlink(missing_ok=True)

    def done(self) -> bool:
        """Whether every stamp is there and no older than what it depends on: Snakemake need not be asked."""
        steps = {self.run_stamp(run): self.run_inputs(run) for run in self.profile.runs}
        steps |= {self.notebook_stamp(name): self.notebook_inputs(name) for name in self.notebooks}
        steps |= {self.index_stamp(): list(steps)}
        return all(
            stamped(stamp) and all(0 < stamped(path) <= stamped(stamp) for path in inputs)
            for stamp, inputs in steps.items()
        )

    def precision(self, run: str) -> str:
        """What a finished run was trained in, as Lightning Fabric calls it."""
        return str(read_json(paths.record(self.profile.name, run))["device"]["precision"])

    def index(self) -> Path:
        """The page that lists everything."""
        return paths.report(self.profile.name, "html", "index.html")


def shown(path: Path) -> str:
    """A path as Snakemake sees it, from the folder that it works in."""
    return os.path.relpath(path, paths.root())


def environment(graph: Graph) -> dict[str, str]:
    """What the steps' shell commands are told. In the environment neither Snakemake nor a shell reads names as code."""
    return {
        "WBC_PROFILE": graph.source,
        "WBC_NAME": graph.profile.name,
        "WBC_PYTHON": sys.executable,
        "WBC_CHECKOUT": str(paths.CHECKOUT),
    }


def command(words: str) -> str:
    """A shell command that runs ``python -m wbclib`` of this checkout with this interpreter for this profile."""
    return f'(cd -- "$WBC_CHECKOUT" && "$WBC_PYTHON" -m wbclib {words} --profile="$WBC_PROFILE")'


def command_line(graph: Graph, jobs: int) -> list[str]:
    """The words that call Snakemake; it works in :func:`wbclib.paths.root`.

    Stale locks do not matter (:func:`reproduce` holds its own, which goes with the process), incomplete steps
    run again, and a step that fails does not stop those that do not need it.
    """
    # fmt: off
    words = [
        sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE),
        "--cores", str(jobs), "--rerun-triggers", "mtime", "--rerun-incomplete", "--nolock", "--drop-metadata",
        "--keep-going", "--quiet", "all",
    ]
    # fmt: on
    first = graph.first()
    return [*words, "--prioritize", *map(shown, first)] if first else words


def snakemake(graph: Graph, jobs: int, *held: int) -> int:
    """Run the graph, which holds the locks ``held``; what the steps print goes to the terminal as it is."""
    begun = graph.folder / ".begun"  # the Snakefile makes it before the first step
    begun.unlink(missing_ok=True)
    words, settings = command_line(graph, jobs), os.environ | environment(graph)
    status = processes.run(words, settings, paths.root(), *held)
    if status and not begun.exists():  # it was told to be quiet: ask it again
        loud = [word for word in words if word not in ("--quiet", "all")]
        print(*processes.told([*loud, "--dry-run"], settings, paths.root())[-10:], sep="\n", file=sys.stderr)
    return status


def check_data(graph: Graph) -> None:
    """UserError where images or a perceptual network that runs learn with are not here, before any work."""
    specs = {spec: None for config in graph.profile.runs.values() for spec in config.corpora().values()}
    for spec in specs:
        if spec.kind == "folder":
            from wbclib import corpora  # loads what decodes pictures

            corpora.load(spec, "train")
    waiting = [graph.profile.run(run) for run in graph.profile.runs if not graph.run_stamp(run).exists()]
    wanted = {config.features for config in waiting if config.perceives()}
    for name in sorted(name for name in wanted if not name.startswith("random_")):
        from wbclib.networks import features  # loads torch

        features.load(name, downloads=graph.profile.downloads)


def stamped(path: Path) -> int:
    """When a stamp was made (0: it is not there)."""
    return path.stat().st_mtime_ns if path.exists() else 0


def reproduce(profile: str, jobs: int) -> int:
    """Bring a profile's whole study up to date and say what was done; 0 when everything is there."""
    graph, wanted = Graph(profile), asked()
    with locked(
        graph.folder / ".lock", f"another make reproduce of {graph.profile.name} is running: wait for it"
    ) as lock:
        graph.sync()
        if graph.done():
            print(f"nothing to do: {paths.shown(graph.index())} is up to date (touch a notebook to execute it again)")
            if other := [run for run in graph.profile.runs if wanted not in ("", graph.precision(run))]:
                print(f"{OVERRIDE} changes no finished run: {len(other)} were trained in another precision; "
                      "make clean, or another folder in WBC_ROOT, begins anew")  # fmt: skip
            return 0
        check_data(graph)
        status = snakemake(graph, jobs, lock)
        if status:
            from wbclib.report import site

            site.index(graph.source)  # lists loudly what is missing
    index = graph.index()
    if status:
        print(f"error: not everything could be made (see above); what there is: {index.as_uri()}", file=sys.stderr)
    else:
        print(f"done: {paths.shown(index)} - open {index.as_uri()} in a browser")
    return status


def main(words: list[str] | None = None) -> int:
    """``python -m wbclib.report.graph --profile P --jobs N``: what ``make reproduce`` calls."""
    parser = argparse.ArgumentParser(prog="make reproduce", description="Bring a profile's whole study up to date.")
    parser.add_argument("--profile", default="quick", help="smoke, quick, lab, lab-gpu, shipped, paper or a YAML file")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="steps at the same time")
    options = parser.parse_args(words)
    os.environ.update(paths.homes())
    try:
        if options.jobs < 1:
            raise UserError(f"JOBS={options.jobs}: say a number of at least 1")
        with terminable():
            return reproduce(options.profile, options.jobs)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {no_place(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return stopped(stop)


if __name__ == "__main__":
    sys.exit(main())
