"""Many files through a stylist: one after the other, none twice, and no bad one in the way of the others."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import picture
from wbclib.inference.inputs import Job, Plan, plan, shown

LOG = logging.getLogger(__name__)
LONGEST = 255  # bytes of a name in today's file systems
NAMED = 10  # files that are left out, by name
Stylise = Callable[[np.ndarray], np.ndarray]


@dataclass
class Summary:
    """What became of every input: files written, files that were there already, and (name, reason) of failures.

    ``left`` names the files of searched folders that are neither pictures nor films, ``hidden`` the pictures and films
    there whose names begin with a dot.
    """

    done: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Exit status: 1 where something failed; what was kept or left out is no failure."""
        return 1 if self.failed else 0

    def lines(self) -> list[str]:
        """The counts, the first names of what was left out, and one line a failure."""
        lines = [f"{len(self.done)} done, {len(self.kept)} kept as they were, {len(self.failed)} failed"]
        for names, what in ((self.left, "left out"), (self.hidden, "hidden and left out")):
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            lines += [f"{len(names)} {what}: {', '.join(names[:NAMED])}{more}"] if names else []
        return lines + [f"failed: {name}: {reason}" for name, reason in self.failed]


def run(words: Sequence[str | Path], stylist: Stylise, out: str | Path | None = None, force: bool = False) -> Summary:
    """Stylise files, folders and globs.

    An output that is there already is kept unless ``force`` is given, so a run that was stopped goes on when it is
    started again. Outputs appear whole or not at all. An input that cannot be used is told of in one line, and the
    others go on. Files in a folder that are neither pictures nor films are left out and named.

    Args:
        words: files, folders and globs, see :func:`wbclib.inference.inputs.plan`.
        stylist: uint8 (H, W, 3) to the same.
        out: file or folder; default: the folder ``cartoons`` in the current one.
        force: write outputs anew that are there already.

    Raises:
        UserError: what is wrong with the request as a whole; nothing has been written then.
    """
    wanted = plan(words, out)
    summary = Summary(failed=list(wanted.failed), left=list(wanted.left), hidden=list(wanted.hidden))
    for name, reason in wanted.failed:
        LOG.warning("%s: %s", name, reason)
    with logging_redirect_tqdm(), tqdm(wanted.jobs, "cartoonize", unit="file", disable=None) as bar:
        for job in bar:
            _one(job, wanted, stylist, force, summary)
    return summary


def _one(job: Job, wanted: Plan, stylist: Stylise, force: bool, summary: Summary) -> None:
    """Do one job and enter it into the summary."""
    try:
        if reason := wanted.lost.get(job.source, ""):
            raise UserError(reason)
        if job.film and not getattr(stylist, "films", True):
            raise UserError("a film has thousands of frames, and this style takes minutes for each; choose another one")
        target = _film(job, stylist, force) if job.film else _picture(job, wanted, stylist, force)
    except Kept as kept:
        summary.kept.append(kept.target)
        LOG.info("%s is there already and was kept; --force makes it anew", shown(kept.target))
        return
    except images.ImageError as error:
        reason = error.reason
    except UserError as error:
        reason = str(error)
    except OSError as error:
        which = error.filename or f"{job.source} or {job.target}"
        reason = f"{which}: {error.strerror or error}; check its name and permissions"
    except Exception as error:  # out of memory, a decoder's fault ...: the other files shall be done nevertheless
        reason = f"{type(error).__name__}: {error}"
    else:
        summary.done.append(target)
        return
    summary.failed.append((shown(job.source), shown(" ".join(reason.split()))))
    LOG.warning("%s: %s", *summary.failed[-1])


class Kept(Exception):
    """The target is there already."""

    def __init__(self, target: Path) -> None:
        super().__init__(str(target))
        self.target = target


def _free(target: Path, force: bool) -> None:
    """Whether a target can be written, before any work; what stands in the way is named."""
    if os.path.islink(target) and not os.path.exists(target) and not force:
        raise UserError(f"its output {target} is a link that leads nowhere; remove it, or replace it with --force")
    if os.path.lexists(target) and not force:
        raise Kept(target)
    if os.path.isdir(target):
        raise UserError(f"its output {target} is a folder; remove it or give another --out")
    above = next(path for path in target.absolute().parents if os.path.lexists(path))
    if not os.path.isdir(above):
        raise UserError(f"its output {target} would lie below {above}, which is no folder; give another --out")
    for part in target.absolute().relative_to(above).parts:
        if (length := len(os.fsencode(part))) > LONGEST:
            what = "rename the input" if part == target.name else "give another --out"
            raise UserError(f"a name in its output would have {length} bytes and {LONGEST} is the most; {what}")


def _there(source: Path) -> None:
    """Reading a pipe would wait for ever, and a broken link deserves a word of its own."""
    if os.path.islink(source) and not os.path.exists(source):
        raise UserError("a link that leads nowhere or in a circle; mend or remove it")
    if os.path.exists(source) and not os.path.isfile(source):
        raise UserError("not a file but a pipe or a device; name a picture or a film")


def _picture(job: Job, wanted: Plan, stylist: Stylise, force: bool) -> Path:
    """Stylise one picture; the colours as they are stored under its alpha, which is kept unchanged.

    Colours under fully transparent pixels are stylised like all others: a program that ignores alpha then shows one
    picture, not two. They are seen by the network, as far as it reads, when it draws the visible ones beside them.
    """
    _free(job.target, force)
    _there(job.source)
    found = picture.read(job.source)
    target = _target(job, wanted, found)
    _free(target, force)
    if found.frames > 1:
        LOG.info("%s: %d frames or pages, the first is taken", shown(job.source), found.frames)
    picture.write(target, picture.Picture(stylist(found.rgb), found.alpha))
    return target


def _target(job: Job, wanted: Plan, found: picture.Picture) -> Path:
    """Where a picture goes: a format that does not hold it gives way to PNG, unless the reader chose it."""
    name, chosen = shown(job.source), job.target.suffix
    if job.exact:
        picture.check(job.target, found)
        if found.alpha is not None and picture.suffix(chosen, alpha=True) != chosen:
            LOG.info("%s: %s holds no transparency, laid on white", name, chosen)
        return job.target
    end = picture.suffix(chosen, found.alpha is not None, max(found.rgb.shape))
    if end != job.source.suffix:
        LOG.info("%s: written as %s", name, end)
    target = job.target.with_suffix(end)
    if target != job.target and (reason := wanted.claim(replace(job, target=target))):
        raise UserError(reason)
    return target


def _film(job: Job, stylist: Stylise, force: bool) -> Path:
    _free(job.target, force)
    _there(job.source)
    from wbclib.inference.film import cartoonize_film

    cartoonize_film(job.source, job.target, stylist, force=force)
    return job.target
