"""The command line: ``wbc`` or ``python -m wbclib``. Heavy imports wait until a command needs them."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from wbclib import paths, profiles
from wbclib.files import UserError, no_place, stopped, terminable

STYLE = (
    "inked (the default), peppercarrot or storybook, which come with the package, PROFILE/RUN, official-whitebox, or a "
    ".safetensors or .npz file; of several styles in one network PROFILE/RUN:STYLE, or :ONE=0.5,OTHER=0.5 for a mixture"
)
LOOKS = (
    "; without a network ink, flat, bilateral or pencil, with settings of one's own as in ink:rho=0.98,bins=8; or "
    "nst:PICTURE, any picture as the style, minutes a photograph"
)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="wbc",
        description="A reproducible study of white-box cartoonization.",
        epilog="Data and reports go below the checkout, or below the folder that the environment variable WBC_ROOT "
        "names; photographs, cartoons and weights of your own are looked for in data/assets there, or in WBC_ASSETS. "
        "WBC_PRECISION=float32 or bfloat16 says in which precision networks compute where a profile leaves it open.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train runs of a profile, or go on with them")
    train.add_argument(
        "runs", nargs="+", metavar="RUN", help="name or pattern, for example whitebox, 'no-*', ablation or comparison"
    )
    train.add_argument("--pack", type=Path, metavar="FOLDER", help="work inside a folder that `wbc pack` made")
    train.add_argument("--results", type=Path, metavar="FOLDER", help="afterwards put the results into FOLDER")
    train.set_defaults(call=_train)

    corpora = commands.add_parser("corpora", help="list the images of a profile, and what was skipped and why")
    corpora.set_defaults(call=_corpora)

    pack = commands.add_parser("pack", help="put what another machine needs for a run into one folder")
    pack.add_argument("run")
    pack.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    pack.add_argument("--results", action="store_true", help="what has to come back, instead of what has to go")
    pack.set_defaults(call=_pack)

    unpack = commands.add_parser("unpack", help="verify results from another machine and put them into place")
    unpack.add_argument("folder", type=Path)
    unpack.set_defaults(call=_unpack)

    report = commands.add_parser(
        "report",
        help="execute a notebook, write index or summary, list stale records, renew README's picture and table",
    )
    report.add_argument("what", choices=("notebook", "index", "summary", "stale", "readme"))
    report.add_argument("name", nargs="?", default="", help="of the notebook, for example 06-whitebox")
    report.set_defaults(call=_report)

    cartoonize = commands.add_parser("cartoonize", help="draw photographs, folders and films in a trained style")
    cartoonize.add_argument(
        "paths", nargs="+", metavar="PATH", help="file, folder (searched whole, without hidden names) or quoted glob"
    )
    cartoonize.add_argument("--style", help=STYLE + LOOKS)
    cartoonize.add_argument(
        "--sharpness",
        type=float,
        default=0.0,
        metavar="0..1",
        help="0 smooth, 1 sharp, of styles with an output filter (default: 0)",
    )
    cartoonize.add_argument(  # as text: a Path forgets the slash at the end of a folder's name
        "--out",
        metavar="PATH",
        help="folder (end it with / where its name looks like a file's), or a file's name (default: cartoons)",
    )
    cartoonize.add_argument("--force", action="store_true", help="replace outputs that are there already")
    cartoonize.add_argument(
        "--detail",
        type=int,
        metavar="PIXELS",
        help="short side at which larger pictures are drawn, so that lines stay visible; the cartoon is as large as "
        "the picture; 0: its own pixels (default: 512; in the style of a picture 256)",
    )
    cartoonize.add_argument("--tile", type=int, metavar="PIXELS", help="side of the tiles of large images")
    cartoonize.add_argument(
        "--engine",
        choices=("auto", "torch", "bfloat16", "onnx", "int8"),
        default="auto",
        help="auto: a GPU, else bfloat16 where the processor has it and it is faithful, else torch (float32); "
        "onnx (float32), int8: onnxruntime on the processor (default: auto)",
    )
    cartoonize.set_defaults(call=_cartoonize)

    export = commands.add_parser("export", help="write what draws in a style as an ONNX file")
    export.add_argument("--style", help=STYLE)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="for example model.onnx")
    export.add_argument(
        "--detail",
        type=int,
        metavar="PIXELS",
        help="short side at which the file draws larger pictures, as cartoonize does; 0: their own pixels "
        "(default: 512)",
    )
    export.add_argument("--int8", action="store_true", help="quantise the convolutions")
    export.add_argument("--force", action="store_true", help="replace the file where it is there already")
    export.set_defaults(call=_export)

    keep = commands.add_parser("keep", help="put a small copy of finished runs' generators beside their records")
    keep.add_argument("runs", nargs="+", metavar="RUN")
    keep.set_defaults(call=_keep)

    ship = commands.add_parser("ship", help="make a finished white-box run a style of the package, with a model card")
    ship.add_argument("run")
    ship.add_argument("--style", required=True, help="its name: that of its cartoons in the profile's comparison")
    ship.set_defaults(call=_ship)

    bench = commands.add_parser("bench", help="time what has a stated speed; ratios go to reports/bench/bench.csv")
    bench.set_defaults(call=_bench)

    for command in (train, corpora, pack, unpack, report, keep, ship):
        command.add_argument(
            "--profile",
            default="quick",
            help="smoke, quick, lab, lab-gpu, shipped, paper or a YAML file (default: quick)",
        )
    return top


def _train(arguments: argparse.Namespace) -> None:
    from wbclib import pack as packs

    name = packs.enter(arguments.pack) if arguments.pack else arguments.profile
    from wbclib.train import run

    profile = profiles.load(name)
    names = dict.fromkeys(run for asked in arguments.runs for run in profile.named(asked))
    if not names:
        raise UserError(f"profile {profile.name} has no {' or '.join(arguments.runs)}")
    if arguments.results and len(names) > 1:
        raise UserError(f"--results takes one run, not {len(names)}: call it once for each")
    for one in names:
        profile.run(one)  # an unknown name is found before any of them is trained
    for one in names:
        record = run(one, profile)
        where = record["device"]["name"]
        print(f"{profile.name}/{one}: {record['steps']} steps in {record['wall_time_s']} s on {where}")
        if arguments.results:
            print(f"results: {packs.results(profile, one, arguments.results)}")


def _corpora(arguments: argparse.Namespace) -> None:
    from wbclib import corpora

    profile = profiles.load(arguments.profile)
    specs = {spec: None for config in profile.runs.values() for spec in config.corpora().values()}
    for spec in specs:
        for split in ("train", "validation"):
            corpus = corpora.load(spec, split)
            print(f"{corpus.name} ({split}): {len(corpus)} images, digest {corpus.digest()[:12]}")
            for name, reason in corpus.skipped:
                print(f"  skipped {name}: {reason}")


def _pack(arguments: argparse.Namespace) -> None:
    from wbclib import pack as packs

    write = packs.results if arguments.results else packs.pack
    print(f"wrote {write(profiles.load(arguments.profile), arguments.run, arguments.out)}")


def _unpack(arguments: argparse.Namespace) -> None:
    from wbclib import pack as packs

    written = packs.unpack(profiles.load(arguments.profile), arguments.folder)
    print(f"{len(written)} files verified and put into place")


def _report(arguments: argparse.Namespace) -> None:
    # What checks notebooks would compile a grammar of internationalised addresses, which is slow; it does without where
    # that package is not to be had, and no notebook's schema knows such an address.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        from wbclib.report import site
    finally:
        del sys.modules["rfc3987_syntax"]

    if arguments.what == "notebook":
        if not arguments.name:
            raise UserError("say which notebook, for example: wbc report notebook 06-whitebox")
        print(site.notebook(arguments.name, arguments.profile))
    elif arguments.what in ("index", "summary"):
        print((site.index if arguments.what == "index" else site.summary)(arguments.profile))
    elif arguments.what == "readme":
        from wbclib.report import readme

        print(readme.update(arguments.profile))
    else:
        for line in site.stale(arguments.profile):
            print(line)


def _cartoonize(arguments: argparse.Namespace) -> int:
    """Status 0: everything is there (kept outputs too); 1: some inputs failed; 2: nothing could be begun."""
    from wbclib.inference import drawing, folder

    draw = drawing.open_drawing(
        arguments.style, arguments.sharpness, arguments.detail, arguments.tile, arguments.engine
    )
    summary = folder.run(arguments.paths, draw, arguments.out, arguments.force)
    print("\n".join(summary.lines()))
    return summary.status


def _export(arguments: argparse.Namespace) -> None:
    from wbclib.inference import drawing, export, styles

    if arguments.style and drawing.without_generator(arguments.style):
        raise UserError(f"style {arguments.style} has no generator: there is nothing to export")
    detail = drawing.DETAIL if arguments.detail is None else arguments.detail
    style = styles.load_style(arguments.style)
    print(export.export(style, arguments.out, arguments.int8, arguments.force, detail))


def _keep(arguments: argparse.Namespace) -> None:
    from wbclib.train import kept

    profile = profiles.load(arguments.profile)
    for name in arguments.runs:
        print(f"wrote {kept.keep(name, profile)}")


def _ship(arguments: argparse.Namespace) -> None:
    from wbclib.report import ship

    print(f"wrote {ship.ship(arguments.run, profiles.load(arguments.profile), arguments.style)}")


def _bench(arguments: argparse.Namespace) -> None:
    from wbclib.bench import suite

    print(suite.bench().to_string(index=False))


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; the exit status is 0 only where the result is what was asked for.

    Where nobody reads the output any more (``| head``) it ends quietly, with the status that SIGPIPE has in shells.
    """
    try:
        try:
            return _main(words)
        finally:
            if sys.stdout is not None:  # it was closed by the caller
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 128 + signal.SIGPIPE


def _main(words: Sequence[str] | None) -> int:
    arguments = parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.environ.update(paths.homes())
    try:
        with terminable():
            return int(arguments.call(arguments) or 0)
    except UserError as error:
        print(f"wbc: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"wbc: {no_place(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print("wbc: stopped; the same command goes on from there", file=sys.stderr)
        return stopped(stop)
