"""YAML files that people write, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from wbclib import paths
from wbclib.files import UserError
from wbclib.values import mapping


class Loader(yaml.SafeLoader):
    """PyYAML's, with numbers as in YAML 1.2 (``2e-4`` is one; ``1:30`` is none), and a key that stands twice in a
    mapping is an error (what ``<<`` brings may be said anew)."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        # Not in construct_mapping: a node may have had what << brings written into it before it comes there.
        node = super().compose_mapping_node(anchor)
        seen: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            mark = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if mark in seen:
                told = f"the key {key.value!r} stands in line {seen[mark]} already; say it once"
                raise yaml.MarkedYAMLError(problem=told, problem_mark=key.start_mark)
            if mark:
                seen[mark] = key.start_mark.line + 1
        return node


NUMBERS = {  # section 10.3.2 of YAML 1.2, without octal numbers
    "tag:yaml.org,2002:int": r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+",
    "tag:yaml.org,2002:float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|"
    r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
}
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in NUMBERS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag, pattern in NUMBERS.items():
    Loader.add_implicit_resolver(tag, re.compile(f"(?:{pattern})$"), list("-+.0123456789"))


def read(path: Path) -> Mapping[str, Any]:
    """The mapping that a YAML file holds (UTF-8, with or without a byte order mark).

    Raises:
        UserError: one line that names the file and where possible the line.
    """
    where = f"profile {paths.shown(path)}"
    try:
        values = yaml.load(path.read_text(encoding="utf-8-sig"), Loader)
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {where}: it is no UTF-8; save it in the encoding UTF-8") from error
    except OSError as error:
        raise UserError(f"cannot read {where}: {error.strerror or error}; say the name of a YAML file") from error
    except yaml.MarkedYAMLError as error:
        place = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
        raise UserError(f"cannot read {where}{place}: {said}") from error
    except RecursionError as error:
        raise UserError(f"cannot read {where}: its values are nested too deeply") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a date or number that is none, ...
        raise UserError(f"cannot read {where}: {' '.join(str(error).split())}") from error
    if not isinstance(values, Mapping):
        raise UserError(f"{where} is not a mapping of names to values; begin with a line such as extends: quick")
    return mapping(values, where)
