"""Values as Python source, laid out as `ruff format` would."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from math import isfinite
from typing import Any, TypeAlias
from unicodedata import east_asian_width

from app.core.rejected import Code, Rejected

WIDTH = 100
INDENT = 4


@dataclass(frozen=True, slots=True)
class Bracket:
    """What opens, what stands between, with commas, and what closes."""

    opens: str
    parts: tuple["Source", ...]
    closes: str


Source: TypeAlias = str | Bracket


@dataclass(slots=True)
class Imports:
    """What source is to import: by module and name, what it calls it."""

    known: dict[tuple[str, str], str] = field(default_factory=dict)

    def name(self, module: str, name: str) -> str:
        """What to call it: with its feature in front, where another has its name already."""
        if (module, name) not in self.known:
            is_taken = name in self.known.values()
            feature = module.split(".")[-2].title() if is_taken else ""
            self.known[module, name] = f"{feature}{name}"
        return self.known[module, name]

    def lines(self) -> Iterator[str]:
        """The imports in the order in which ruff wants them: the standard library's first."""
        modules = sorted({module for module, _ in self.known})
        own = [module for module in modules if module.split(".")[0] in ("app", "tests")]
        for block in [module for module in modules if module not in own], own:
            for module in block:
                yield from self._of(module)
            if block:
                yield ""

    def _of(self, module: str) -> list[str]:
        names = sorted(
            (name for where, name in self.known if where == module),
            key=lambda name: (not name.isupper(), not name[0].isupper(), name),
        )
        called = [(name, self.known[module, name]) for name in names]
        parts = [name if name == own else f"{name} as {own}" for name, own in called]
        line = f"from {module} import {', '.join(parts)}"
        if len(line) <= WIDTH:
            return [line]
        return [f"from {module} import (", *(f"    {part}," for part in parts), ")"]


def source(value: Any, imports: Imports) -> Source:
    """An expression that gives an equal value; raises Rejected for one that has none."""
    match value:
        case Enum():
            kind = type(value)
            return f"{imports.name(kind.__module__, kind.__name__)}.{value.name}"
        case str():
            return text(value)
        case None | bool() | int():
            return repr(value)
        case float() if isfinite(value):
            return repr(value).replace("e+", "e")
        case datetime():
            return moment(value, imports)
        case tuple():
            return Bracket("(", tuple(source(each, imports) for each in value), ")")
        case list():
            return Bracket("[", tuple(source(each, imports) for each in value), "]")
        case _ if is_dataclass(value):
            cls = type(value)
            opens = f"{imports.name(cls.__module__, cls.__name__)}("
            return Bracket(opens, tuple(_arguments(value, imports)), ")")
    told = f"a {type(value).__name__} cannot be written as Python source"
    raise Rejected(Code.CONFLICT, f"{told}: app/wire/python_source.py knows how others are")


def text(value: str) -> str:
    """A text, in double quotes unless single ones need fewer backslashes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = repr(f"{value}'\"")[1:-4].replace("\\'", "'")  # both marks: repr escapes the single one
    return f"{quote}{body.replace(quote, chr(92) + quote)}{quote}"


def moment(value: datetime, imports: Imports) -> Bracket:
    """A time, in UTC."""
    utc = value.astimezone(UTC)
    parts = [utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond]
    while len(parts) > 3 and parts[-1] == 0:
        parts.pop()
    name, zone = imports.name("datetime", "datetime"), imports.name("datetime", "UTC")
    return Bracket(f"{name}(", (*map(str, parts), f"tzinfo={zone}"), ")")


def named(name: str, value: Source) -> Source:
    """An argument by its name."""
    if isinstance(value, str):
        return f"{name}={value}"
    return Bracket(f"{name}={value.opens}", value.parts, value.closes)


def lines(code: Source, indent: int, after: str = "") -> list[str]:
    """The source in lines of at most 100 characters, as far as that is possible."""
    room = WIDTH - indent
    if isinstance(code, str) or width(flat(code)) + len(after) <= room or not code.parts:
        return [f"{' ' * indent}{flat(code)}{after}"]
    inner = _between(code)
    if _is_call(code) and width(inner) + INDENT <= room:
        middle = [f"{' ' * (indent + INDENT)}{inner}"]
    else:
        middle = [line for part in code.parts for line in lines(part, indent + INDENT, ",")]
    return [f"{' ' * indent}{code.opens}", *middle, f"{' ' * indent}{code.closes}{after}"]


def flat(code: Source) -> str:
    """The source in one line."""
    return code if isinstance(code, str) else f"{code.opens}{_between(code)}{code.closes}"


def width(line: str) -> int:
    """The columns that it takes: a wide character has two (Unicode Standard Annex 11)."""
    return sum(2 if east_asian_width(letter) in "FW" else 1 for letter in line)


def _between(code: Bracket) -> str:
    inner = ", ".join(map(flat, code.parts))
    is_tuple = code.closes == ")" and not _is_call(code)
    return f"{inner}," if is_tuple and len(code.parts) == 1 else inner


def _is_call(code: Bracket) -> bool:
    return code.closes == ")" and code.opens[-2:-1].isalnum()


def _arguments(value: Any, imports: Imports) -> Iterable[Source]:
    """The fields that differ from their defaults."""
    for each in fields(value):
        own = getattr(value, each.name)
        if each.init and (each.default is MISSING or own != each.default):
            yield named(each.name, source(own, imports))


def call(opens: str, parts: Sequence[Source]) -> Bracket:
    """A call with these arguments."""
    return Bracket(f"{opens}(", tuple(parts), ")")
