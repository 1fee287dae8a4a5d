"""Small ways to break a model: each gives the model's SQL with one thing changed.

Text is changed, not a syntax tree: a model is Jinja, and what stands in a macro's argument is SQL, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# What is not SQL of the model's own: comments, configuration, names of inputs, Jinja statements.
_PROTECTED = re.compile(
    r"""
    --[^\n]*
    | \{\#.*?\#\}
    | \{%.*?%\}
    # a hook in it has braces, too, but does not end its line with them
    | \{\{\s*config\(.*?\)\s*\}\}(?=\n)
    | \b(?:ref|source|var|dbt\.string_literal)\([^)]*\)
    | \bnumeric\(\d+,\s*\d+\)
    | \bvarchar\(\d+\)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Mutant:
    """A model with one thing changed.

    Attributes:
        model: its name.
        operator: what kind of change it is.
        line: the line that was changed, as it was, without its indentation.
        occurrence: which of equal changes of equal lines this is, counted from 1.
        sql: the changed model, whole.
    """

    model: str
    operator: str
    line: str
    occurrence: int
    sql: str

    @property
    def name(self) -> str:
        """A name that stays the same while the line does."""
        return f"{self.model} | {self.operator} | {self.line} | {self.occurrence}"


@dataclass(frozen=True)
class Operator:
    """A kind of change: every match of `pattern` is replaced on its own; None leaves a match alone."""

    name: str
    pattern: re.Pattern[str]
    change: Callable[[re.Match[str]], str | None]


def _operator(name: str, pattern: str, change: str | Callable[[re.Match[str]], str | None]) -> Operator:
    compiled = re.compile(pattern, re.DOTALL)
    return Operator(name, compiled, change if callable(change) else lambda match: match.expand(change))


def _one_more(match: re.Match[str]) -> str:
    return str(int(match[0]) + 1)


OPERATORS = (
    _operator("left join for inner join", r"\binner join\b", "left join"),
    _operator("inner join for left join", r"\bleft join\b", "inner join"),
    _operator("without a join condition", r"(\bon\n(?:\s+and )?[^\n]+)\n\s+and [^\n]+", r"\1"),
    _operator("or for and", r"\band\b(?! (?:current row|unbounded))", "or"),
    _operator("and for or", r"\bor\b", "and"),
    _operator("without distinct", r"\bdistinct ", ""),
    _operator("union for union all", r"\bunion all\b", "union"),
    _operator("< for <=", r"<=", "<"),
    _operator("<= for <", r"<(?![=>])", "<="),
    _operator("> for >=", r">=", ">"),
    _operator(">= for >", r"(?<!<)>(?!=)", ">="),
    _operator("= for <>", r"<>", "="),
    _operator("<> for =", r"(?<=[\w)'\"] )=(?= )", "<>"),
    _operator("is null for is not null", r"\bis not null\b", "is null"),
    _operator("is not null for is null", r"\bis null\b", "is not null"),
    _operator("ascending for descending", r"(?<=\w) desc\b", " asc"),
    _operator("max for min", r"\bmin\(", "max("),
    _operator("min for max", r"\bmax\(", "min("),
    _operator("max for sum", r"\bsum\(", "max("),
    _operator("one more", r"(?<![\w.'])\d+(?![\w.'])", _one_more),
    _operator("false for true", r"(?<=[ (])true\b", "false"),
    _operator("true for false", r"(?<=[ (])false\b", "true"),
    _operator("never this case", r"\bwhen (?!matched)[^\n]+? then\b", "when false then"),
    _operator("without not", r"\bnot (?=[a-z(])", ""),
    _operator("- for +", r"(?<=[\w)] )\+(?= )", "-"),
    _operator("+ for -", r"(?<=[\w)] )-(?= )", "+"),
    _operator("a coarser partition", r"(\bpartition by [\w.]+), [\w., ]+", r"\1"),
    _operator("without coalesce", r"\bcoalesce\(([\w.]+), [^()]*\)", r"\1"),
    _operator("another word", r"'([a-z_]{3,})'", r"'\1_not'"),
)


def mutants(model: str, sql: str) -> Iterator[Mutant]:
    """Every mutant of a model, in the order of `OPERATORS`."""
    protected = [match.span() for match in _PROTECTED.finditer(sql)]
    for operator in OPERATORS:
        seen: dict[str, int] = {}
        for match in operator.pattern.finditer(sql):
            if any(start < match.end() and match.start() < end for start, end in protected):
                continue
            changed = operator.change(match)
            if changed is None or changed == match[0]:
                continue
            start = sql.rfind("\n", 0, match.start()) + 1
            line = sql[start : sql.find("\n", match.end())].strip()
            line = re.sub(r"\s+", " ", line)
            seen[line] = seen.get(line, 0) + 1
            broken = sql[: match.start()] + changed + sql[match.end() :]
            yield Mutant(model, operator.name, line, seen[line], broken)
