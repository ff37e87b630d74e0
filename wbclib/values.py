"""From plain values (YAML, JSON) to frozen dataclasses. What a field may hold stands in its type alone:

``Annotated[str, OneOf("a", "b")]`` names words, ``Annotated[int, Range(1)]`` bounds numbers, ``Name()`` names.
Whatever is wrong is one line that says where, which value, and what to say in its place.
"""

from __future__ import annotations

import dataclasses
import math
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from wbclib.files import UserError

LARGEST = 2**31 - 1  # of whole numbers, which libraries count with
KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


@dataclass(frozen=True)
class Range:
    """Bounds of a number; always finite. ``above`` and ``below``: the bound itself is not allowed."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    multiple: int = 1  # of whole numbers
    odd: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a number is within the bounds."""
        if isinstance(value, float) and not math.isfinite(value):
            return False
        if isinstance(value, int) and (abs(value) > LARGEST or value % self.multiple or self.odd > value % 2):
            return False
        low = value > self.low if self.above else value >= self.low
        return low and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        parts = [f"a multiple of {self.multiple}"] if self.multiple > 1 else ["odd"] if self.odd else []
        if self.low > -math.inf:
            parts.append(f"{'above' if self.above else 'at least'} {self.low:g}")
        if self.high < math.inf:
            parts.append(f"{'below' if self.below else 'at most'} {self.high:g}")
        return ", ".join(parts) or "finite"


class OneOf:
    """The words that a text may be."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def holds(self, value: str) -> bool:
        """Whether a text is one of the words."""
        return value in self.words

    def __str__(self) -> str:
        shown = [word or '""' for word in self.words]
        return " or ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


@dataclass(frozen=True)
class Name:
    """A name that becomes a part of file names, patterns and layers."""

    pattern: str = r"\w[\w.+-]{0,99}"
    says: str = "letters, digits and . + - _, beginning with a letter or digit, at most 100"

    def holds(self, value: str) -> bool:
        """Whether a text is such a name."""
        return re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.says


Count = Annotated[int, Range(0)]
AtLeastOne = Annotated[int, Range(1)]
Several = Annotated[int, Range(2)]
Odd = Annotated[int, Range(1, odd=True)]
NotNegative = Annotated[float, Range(0)]
Positive = Annotated[float, Range(0, above=True)]
Share = Annotated[float, Range(0, 1)]
Momentum = Annotated[float, Range(0, 1, below=True)]
Number = Annotated[float, Range()]


def said(value: Any) -> str:
    """A value as a message shows it: short, and on one line."""
    shown = reprlib.Repr()
    shown.maxstring = shown.maxother = 60
    try:
        return " ".join(shown.repr(value).split())
    except ValueError:  # Python does not print whole numbers of thousands of digits
        return "a number of thousands of digits"


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """``value``, a mapping of names to values; nothing (an empty key of YAML) is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError(f"{where}: say a mapping of names to values, not {said(value)}")
    for name in value:
        if not isinstance(name, str):
            raise UserError(f"{where}: {said(name)} is no name; put it in quotation marks")
    return value


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, mapping by mapping; an empty key changes nothing in a mapping."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        if isinstance(old, Mapping) and value is None:
            continue
        result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def build(kind: type, values: Mapping[str, Any], where: str) -> Any:
    """A frozen dataclass from plain values.

    Raises:
        UserError: an unknown name, a wrong type, or a value that the field's type does not allow.
    """
    values = mapping(values, where)
    hints, known = get_type_hints(kind, include_extras=True), [f.name for f in dataclasses.fields(kind)]
    for name in values:
        if name not in known:
            raise UserError(f"{where}: unknown parameter {said(name)}; known are: {', '.join(sorted(known))}")
    ready = {name: _value(hints[name], value, f"{where}.{name}") for name, value in values.items()}
    try:
        return kind(**ready)
    except UserError as error:  # what the dataclass itself asks of several fields
        raise UserError(f"{where}: {error}") from error


def _value(hint: Any, value: Any, where: str) -> Any:
    """``value`` as a field of type ``hint`` holds it."""
    origin, bounds = get_origin(hint), None
    if origin is Annotated:
        hint, bounds = get_args(hint)[:2]
        origin = get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return value if dataclasses.is_dataclass(value) else build(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        return _several(get_args(hint)[0], value, where, bounds)
    if origin is dict or origin is Mapping or hint is Mapping:
        of = (*get_args(hint), Any, Any)[1]
        found = {name: _value(of, part, f"{where}.{name}") for name, part in mapping(value, where).items()}
        return _checked(found, bounds, where)
    return _checked(_plain(hint, value, where, bounds), bounds, where) if hint in KINDS else value


def _plain(hint: type, value: Any, where: str, bounds: Any) -> Any:
    if hint is float and type(value) is int and abs(value) <= LARGEST:
        return float(value)
    if value is None:  # a key of YAML with nothing after its colon
        raise UserError(f"{where}: nothing is said; say {_wanted(hint, bounds)}, or leave the name out")
    if type(value) is not hint:
        raise UserError(f"{where}: {said(value)} is not of type {hint.__name__}; say {_wanted(hint, bounds)}")
    return value


def _checked(value: Any, bounds: Any, where: str) -> Any:
    """``value``, within the bounds; the names of a mapping, where it is one."""
    for one in value if isinstance(value, Mapping) and bounds else [value]:
        limits = bounds or (Range() if isinstance(one, float) or type(one) is int else None)
        if limits and not limits.holds(one):
            raise UserError(f"{where}: {said(one)} is not possible; say {_wanted(type(one), limits, one)}")
    return value


def _wanted(kind: type, bounds: Any, value: Any = 0) -> str:
    if isinstance(bounds, OneOf):
        return str(bounds)
    if isinstance(bounds, Name):
        return f"another name, of {bounds}"
    most = f", at most {LARGEST}" if isinstance(value, int) and value > LARGEST else ""
    return f"{KINDS[kind]}{f', {bounds}' if bounds else ''}{most}"


def _several(hint: Any, value: Any, where: str, bounds: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UserError(f"{where}: say a list in [brackets], not {said(value)}")
    found = tuple(_value(hint, one, f"{where}[{number}]") for number, one in enumerate(value))
    if bounds and not bounds.holds(len(found)):
        raise UserError(f"{where}: {len(found)} values; say {bounds}")
    try:
        twice = next((one for place, one in enumerate(found) if one in found[:place]), None)
    except TypeError:
        twice = None
    if twice is not None:
        raise UserError(f"{where}: {said(twice)} stands there twice; say each once")
    return found
