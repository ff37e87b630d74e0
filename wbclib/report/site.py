"""The site: one page a notebook and an index, each a single file that opens from disk.

No page fetches anything: pictures are inside, formulas are MathML, the style is inlined, there is no script.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
from nbformat import NotebookNode

from wbclib import paths, profiles
from wbclib.files import read_json, write_text
from wbclib.profiles import Profile
from wbclib.report import notebooks, page, pages, provenance
from wbclib.report.execute import execute
from wbclib.report.notebooks import read, read_notebook
from wbclib.report.provenance import stale
from wbclib.show import tables

__all__ = ["index", "notebook", "render_page", "stale", "summary"]

TEMPLATES = Path(__file__).resolve().parent / "templates"


def _render(template: str, **values: Any) -> str:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(style=(TEMPLATES / "style.css").read_text("utf-8"), **values)


def notebook(name: str, profile: str) -> Path:
    """Execute a notebook for a profile and write its page.

    Args:
        name: a notebook's name without suffix.
        profile: name of a profile or of a YAML file; the notebook gets it as its parameter ``profile``, and
            the values that its own metadata names under ``wbc.parameters.<profile>``.

    Returns:
        The page. A failure raises UserError and leaves the old executed copy and page as they were.
    """
    loaded, profile = profiles.load(profile), profiles.source(profile)  # a kernel works in another folder
    declared = read_notebook(name).metadata.get("wbc", {})
    parameters = {"profile": profile, **declared.get("parameters", {}).get(loaded.name, {})}
    target = paths.report(loaded.name, "notebooks", f"{name}.ipynb")
    source = paths.notebooks() / f"{name}.ipynb"
    executed = execute(source, target, parameters, threads=None if declared.get("alone") else 1)
    path = paths.report(loaded.name, "html", f"{name}.html")
    write_text(path, render_page(executed, name, loaded.name, notebooks.of(loaded)))
    return path


def render_page(executed: NotebookNode, name: str, profile: str, order: list[str]) -> str:
    """An executed notebook as one HTML file, with links to those before and after it in ``order``."""
    place = order.index(name) if name in order else -1
    titles = {other: page.title(read_notebook(other), other) for other in order}
    return _render(
        "notebook.html.j2",
        title=page.title(executed, name),
        name=name,
        profile=profile,
        question=page.question(executed),
        cells=page.cells(executed),
        before=order[place - 1] if place > 0 else None,
        after=order[place + 1] if 0 <= place < len(order) - 1 else None,
        titles=titles,
        checkout=provenance.checkout(),
        versions=provenance.versions(),
        executed=executed.metadata.get("papermill", {}).get("end_time", "")[:16].replace("T", " "),
        duration=provenance.duration(page.executed_seconds(executed)),
    )


def _card(name: str, profile: str) -> dict[str, Any]:
    """What the index says of a notebook; ``problem`` where its page is missing or older than a failure."""
    copy = paths.report(profile, "notebooks", f"{name}.ipynb")
    done = copy.is_file() and paths.report(profile, "html", f"{name}.html").is_file()
    shown = read(copy) if done else read_notebook(name)
    problem = "" if done else f"Missing: this notebook has not been executed. Say make reproduce PROFILE={profile}."
    if copy.with_suffix(".failed.ipynb").is_file():
        earlier = " The page is that of an earlier execution." if done else ""
        problem = f"Its last execution failed: see notebooks/{name}.failed.ipynb.{earlier}"
    return {
        "number": name.split("-")[0],
        "name": name,
        "title": page.title(shown, name),
        "cover": page.cover(shown) if done else "",
        "sentence": page.markdown(page.learnt(shown) if done else page.question(shown)),
        "problem": problem,
        "done": done,
        "seconds": page.executed_seconds(shown) if done else None,
    }


LEADING = ("comparison", "ablation", "claims")  # what people cite
TITLE = 90  # characters from which a first sentence is no title


def _tables(profile: str) -> list[dict[str, Any]]:
    """Every table of the profile: name, title and the rest of its caption, number of rows, HTML."""
    found = []
    for path in sorted(paths.report(profile, "tables").glob("*.csv")):
        body, about = path.with_suffix(".html"), path.with_suffix(".json")
        values = read_json(about) if about.is_file() else {"caption": path.stem, "rows": 0}
        html = page.clean(body.read_text("utf-8")) if body.is_file() else ""
        title, caption = _titled(str(values["caption"]), path.stem)
        rows = values["rows"]
        found.append({"name": path.stem, "title": title, "caption": caption, "rows": rows, "html": html})
    return found


def _titled(caption: str, name: str) -> tuple[str, str]:
    """A caption's first sentence, or what stands before its colon, and the rest; a long one stays whole."""
    title, stop, rest = (re.split(r"([.?:])(?: |$)", caption, maxsplit=1) + ["", ""])[:3]
    if len(title) > TITLE:
        return name.replace("_", " ").capitalize(), caption
    return title + ("?" if stop == "?" else ""), rest[:1].upper() + rest[1:]


def _sections(found: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The tables that no page leads with, by the notebook that writes them: (its name or "", tables)."""
    left = {table["name"]: table for table in found if table["name"] not in LEADING}
    sections = []
    for name in notebooks.names():
        own = [left.pop(table) for table in notebooks.tables_of(read_notebook(name)) if table in left]
        sections += [(name, own)] if own else []
    return sections + ([("", list(left.values()))] if left else [])


def _findings(profile: str, here: str) -> str:
    """What was found, as HTML; empty before the claims are judged."""
    if not paths.report(profile, "tables", "claims.csv").is_file():
        return ""
    return page.markdown(pages.findings(tables.load("claims", profile), f"{here}tables/claims.csv"))


def index(profile: str) -> Path:
    """Write the profile's index page from what is there; what is missing is listed as missing, loudly."""
    loaded = profiles.load(profile)
    cards = [_card(name, loaded.name) for name in notebooks.of(loaded)]
    return _index(loaded, paths.report(loaded.name, "html", "index.html"), "../", cards)


def summary(profile: str) -> Path:
    """Write the page that is committed beside a profile's records: its tables, pictures and origins, no notebooks."""
    from wbclib.report import readme  # here alone: it loads networks, which no other page waits for

    loaded = profiles.load(profile)
    picture = paths.report(loaded.name, "figures", readme.PICTURE)
    return _index(loaded, paths.report(loaded.name, "index.html"), "", None, picture.name if picture.is_file() else "")


def _index(profile: Profile, path: Path, here: str, listed: list[dict[str, Any]] | None, picture: str = "") -> Path:
    """An index page at ``path``; ``here`` leads from it to the profile's folder. None: no notebooks are listed."""
    cards = listed or []
    found = provenance.records(profile)
    training = sum(record.get("wall_time_s") or 0 for record in found)
    reading = sum(card["seconds"] or 0 for card in cards)
    made = _tables(profile.name)
    text = _render(
        "index.html.j2",
        title="Cartoons from photographs",
        profile=profile,
        here=here,
        cards=listed,
        picture=picture,
        problems=[card for card in cards if card["problem"]],
        findings=_findings(profile.name, here),
        leading=[table for name in LEADING for table in made if table["name"] == name],
        sections=_sections(made),
        checkout=provenance.checkout(),
        versions=provenance.versions(),
        runs=[provenance.run_row(record) for record in found],
        data=provenance.data_rows(found),
        weights=provenance.weight_rows(found),
        notebook_times=[(card["name"], provenance.duration(card["seconds"])) for card in cards if card["done"]],
        times={name: provenance.duration(t) for name, t in (("training", training), ("notebooks", reading))},
        total=provenance.duration(training + reading),
    )
    write_text(path, text)
    return path
