"""The types of expressions, as far as arithmetic on DECIMAL needs them.

Numbers are followed from columns, literals and casts through operators, aggregates and conditional expressions. What is
not known for certain has no type here (None), and is left to Postgres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect import arithmetic, columns
from standin.redshift.dialect.arithmetic import NULL, OTHER, Type
from standin.redshift.dialect.blocks import SET_OPERATORS, block, items, opens_query
from standin.redshift.dialect.lexer import quote_name, words
from standin.redshift.dialect.sources import Source, sources
from standin.redshift.dialect.statement import ColumnsNeeded

if TYPE_CHECKING:
    from standin.redshift.dialect.blocks import Block
    from standin.redshift.dialect.rewrite import Draft


@dataclass(frozen=True)
class Division:
    """A division of decimals: the places of its operands and of its sign, and what Redshift makes of it."""

    lo: int
    at: int
    hi: int
    type: Type


_ARITHMETIC = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3}
# a word that neither is nor begins an operand
_NO_OPERAND = words(
    """
        all and any as asc between by case cross desc distinct else end except exists for from full group having ilike
        in inner intersect into is join left like limit minus natural not nulls offset on or order outer over partition
        pivot qualify rows range right select set similar some then to union unpivot using values when where window with
    """
)
_MOMENTS = words("date time timestamp timestamptz timetz interval")

_Operand = tuple["Type | None", int, int]
# columns: names and types
_Known = list[tuple[str, "Type | None"]]


class Reader:
    """Reads the expressions of a statement; nothing may be edited meanwhile.

    Attributes:
        divisions: the divisions of decimals that were read, by the place of their sign.
        missing: relations whose columns have to be known (see `ColumnsNeeded`).
    """

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.divisions: dict[int, Division] = {}
        self.missing: list[str] = []
        self._blocks: list[Block] = [
            block(draft, at)
            for at, token in enumerate(draft.tokens)
            if token.word == "select" and draft.mark(at - 1) != "."
        ]
        self._types: dict[tuple[int, int], Type | None] = {}
        # the queries whose columns are being looked up, and those whose columns are known
        self._open: set[int] = set()
        self._queries: dict[int, _Known | None] = {}
        self._sources: dict[int, list[Source]] = {}
        self._common_tables: dict[tuple[int, str], int] = {}

    def blocks(self) -> list[Block]:
        """The SELECT blocks of the statement."""
        return self._blocks

    def read(self, lo: int, hi: int) -> Type | None:
        """The type of the expression from `lo` up to `hi`; reads all divisions in it, whatever stands there."""
        key = (lo, hi)
        if key not in self._types:
            # what refers to itself has no type
            self._types[key] = None
            self._types[key] = self._read(lo, hi)
        return self._types[key]

    def visit(self, lo: int, hi: int) -> None:
        """Read the divisions from `lo` up to `hi`, if there is one; the type does not matter."""
        if any(self.draft.mark(place) == "/" for place in range(lo, hi)):
            self.read(lo, hi)

    def _read(self, lo: int, hi: int) -> Type | None:
        operands: list[_Operand] = []
        signs: list[int] = []
        whole = True
        kind: Type | None = None
        at = lo
        while at < hi:
            sign = self.draft.mark(at)
            if len(operands) > len(signs):
                if sign in _ARITHMETIC:
                    signs.append(at)
                    at += 1
                    continue
                self._evaluate(operands, signs)
                operands, signs, whole = [], [], False
            if sign in ("+", "-") and (signs or not operands):
                at += 1
            elif self._begins_operand(at):
                kind, end = self._operand(at, hi)
                operands.append((kind, at, end))
                at = end
            else:
                if operands:
                    self._evaluate(operands, signs)
                operands, signs, whole = [], [], False
                at += 1
        kind = self._evaluate(operands, signs) if operands else None
        return kind if whole else None

    def _evaluate(self, operands: list[_Operand], signs: list[int]) -> Type | None:
        """Fold operators from the strongest to the weakest, each from the left."""
        operands, signs = operands[:], signs[: len(operands) - 1]
        for strength in (3, 2, 1):
            at = 0
            while at < len(signs):
                sign = self.draft.mark(signs[at])
                if _ARITHMETIC[sign] != strength:
                    at += 1
                    continue
                (left, lo, _), (right, _, hi) = operands[at : at + 2]
                made = arithmetic.combined(sign, left, right)
                if sign == "/" and made is not None and made.family == "numeric":
                    self.divisions[signs[at]] = Division(lo, signs[at], hi, made)
                operands[at : at + 2] = [(made, lo, hi)]
                del signs[at]
        return operands[0][0]

    def _begins_operand(self, at: int) -> bool:
        token = self.draft.tokens[at]
        if token.kind == "word":
            is_call = token.word in ("left", "right") and self.draft.mark(at + 1) == "("
            return token.word not in _NO_OPERAND or token.word == "case" or is_call
        return token.kind in ("quoted", "string", "number", "parameter") or token.text == "("

    def _operand(self, at: int, hi: int) -> tuple[Type | None, int]:
        kind, end = self._primary(at, hi)
        while end < hi:
            mark = self.draft.mark(end)
            if mark == "::":
                kind, end = self._type_name(end + 1)
            elif mark == "[":
                kind, end = None, self.draft.close(end) + 1
            elif mark == "." and self.draft.is_name(end + 1):
                kind, end = None, end + 2
            else:
                break
        return kind, end

    def _primary(self, at: int, hi: int) -> tuple[Type | None, int]:  # noqa: PLR0911 - a case each
        draft = self.draft
        token = draft.tokens[at]
        if token.kind == "number":
            return arithmetic.literal(token.text), at + 1
        if token.kind in ("string", "parameter"):
            return None, at + 1
        if token.text == "(":
            return self._parenthesis(at)
        word = token.word
        if word == "case":
            return self._case(at, hi)
        if word in ("null", "true", "false"):
            return NULL if word == "null" else OTHER, at + 1
        if word in ("cast", "try_cast") and draft.mark(at + 1) == "(":
            return self._cast(at)
        if word in _MOMENTS and draft.kind_at(at + 1) == "string":
            return OTHER, at + 2
        parts, end = draft.name(at)
        if draft.mark(end) == "(":
            return self._call(parts, end)
        return self._column(parts, at), end

    def _parenthesis(self, at: int) -> tuple[Type | None, int]:
        close = self.draft.close(at)
        if opens_query(self.draft, at):
            known = self._query(at)
            return (known[0][1] if known is not None and len(known) == 1 else None), close + 1
        spans = self.draft.arguments(at)
        if len(spans) == 1:
            return self.read(*spans[0]), close + 1
        for span in spans:
            self.visit(*span)
        return None, close + 1

    def _case(self, at: int, hi: int) -> tuple[Type | None, int]:
        """`CASE … END`; its results are what stands behind THEN and ELSE."""
        draft = self.draft
        depth, begin, word = 0, at + 1, ""
        results: list[Type | None] = []
        for place in draft.outermost(at, hi):
            here = draft.word(place)
            if here == "case":
                depth += 1
            elif here == "end":
                depth -= 1
            if (depth == 1 and here in ("when", "then", "else")) or depth == 0:
                if word in ("then", "else"):
                    results.append(self.read(begin, place))
                else:
                    self.visit(begin, place)
                begin, word = place + 1, here
                if depth == 0:
                    return arithmetic.common(results), place + 1
        return None, hi

    def _cast(self, at: int) -> tuple[Type | None, int]:
        draft = self.draft
        close = draft.close(at + 1)
        marks = [place for place in draft.outermost(at + 2, close) if draft.word(place) == "as"]
        if not marks:
            return None, close + 1
        self.visit(at + 2, marks[-1])
        return self._type_name(marks[-1] + 1)[0], close + 1

    def _type_name(self, at: int) -> tuple[Type, int]:
        draft = self.draft
        end = at + 1 + (draft.word(at + 1) in ("precision", "varying"))
        if draft.mark(end) == "(":
            end = draft.close(end) + 1
        while draft.word(end) in ("with", "without") and draft.at(end + 1, "time", "zone"):
            end += 3
        return arithmetic.named(draft.text(at, end).lower().replace(" ", "")), end

    def _call(self, parts: list[str], at: int) -> tuple[Type | None, int]:
        draft = self.draft
        spans = [(lo + (draft.word(lo) in ("distinct", "all")), hi) for lo, hi in draft.arguments(at)]
        end = draft.close(at) + 1
        while draft.word(end) in ("over", "within", "ignore", "respect"):
            behind = end + 1 + (draft.word(end) != "over")
            if draft.mark(behind) == "(":
                self.visit(behind + 1, draft.close(behind))
                end = draft.close(behind) + 1
            else:
                end = behind + (draft.word(end) == "over")
        name = parts[0] if len(parts) == 1 else ""
        if name not in arithmetic.OF_ARGUMENTS:
            for span in spans:
                self.visit(*span)
            return arithmetic.CONSTANT.get(name), end
        kinds = [self.read(lo, hi) for lo, hi in spans]
        if name in ("round", "trunc") and len(spans) == 2:
            return self._rounded(kinds[0], *spans[1]), end
        return arithmetic.called(name, kinds), end

    def _rounded(self, kind: Type | None, lo: int, hi: int) -> Type | None:
        """ROUND and TRUNC to a number of digits that is written out."""
        if kind is None or kind.family != "numeric":
            return kind
        if hi - lo != 1 or not self.draft.tokens[lo].text.isdecimal():
            return None
        return Type("numeric", kind.digits, min(kind.scale, int(self.draft.tokens[lo].text)))

    # names

    def _column(self, parts: list[str], at: int) -> Type | None:
        """The type of a column by its name, in the blocks around it from the innermost on."""
        around = sorted((found for found in self._blocks if found.select < at < found.end), key=lambda one: -one.select)
        for found in around:
            listed = self._from(found)
            if len(parts) > 1:
                listed = [source for source in listed if source.name == parts[-2]]
            matches = []
            for source in listed:
                known = self._of_source(source, found.select)
                if known is None:
                    # what is not known could have this column
                    return None
                matches += [kind for name, kind in known if name == parts[-1]]
            if matches:
                return matches[0]
            if len(parts) == 1:
                for item in items(self.draft, found):
                    if item.alias == parts[0] and not item.lo <= at < item.hi:
                        return self.read(item.lo, item.end)
        return self._of_statement(parts)

    def _from(self, found: Block) -> list[Source]:
        """What the block reads from."""
        if found.select not in self._sources:
            clause = found.clause("from")
            self._sources[found.select] = sources(self.draft, clause) if clause else []
        return self._sources[found.select]

    def _of_statement(self, parts: list[str]) -> Type | None:
        """A column of the table that an UPDATE changes."""
        if self.draft.kind != "update":
            return None
        target, _ = self.draft.name(1)
        if len(parts) > 1 and parts[-2] != target[-1]:
            return None
        known = self._of_relation(target)
        return next((kind for name, kind in known or () if name == parts[-1]), None)

    def _of_source(self, source: Source, select: int) -> _Known | None:
        if source.query >= 0:
            known = self._query(source.query)
        elif len(source.parts) == 1 and (at := self._definition(select, source.parts[0])) >= 0:
            known = self._common_table(at)
        elif source.parts:
            known = self._of_relation(list(source.parts))
        else:
            return None
        if known is None or not source.columns:
            return known
        kinds = [kind for _, kind in known]
        return [*zip(source.columns, kinds, strict=False), *known[len(source.columns) :]]

    def _of_relation(self, parts: list[str]) -> _Known | None:
        try:
            known = columns.asked(self.draft, ".".join(quote_name(part) for part in parts))
        except ColumnsNeeded as needed:
            self.missing += needed.relations
            return None
        return [(name, arithmetic.named(kind)) for name, kind in known] or None

    def _definition(self, select: int, name: str) -> int:
        key = (select, name)
        if key not in self._common_tables:
            self._common_tables[key] = columns.cte_at(self.draft, select, name)
        return self._common_tables[key]

    def _common_table(self, at: int) -> _Known | None:
        place, names = at + 1, []
        if self.draft.mark(place) == "(":
            close = self.draft.close(place)
            names = [self.draft.identifier(here) for here in range(place + 1, close) if self.draft.is_name(here)]
            place = close + 1
        known = self._query(place + 1)
        if known is None:
            return None
        return [*zip(names, (kind for _, kind in known), strict=False), *known[len(names) :]]

    def _query(self, at: int) -> _Known | None:
        """The columns of the query in the parentheses that open here; None if they are not known."""
        if at in self._open:
            return None
        if at not in self._queries:
            self._open.add(at)
            try:
                self._queries[at] = self._members(at)
            finally:
                self._open.discard(at)
        return self._queries[at]

    def _members(self, at: int) -> _Known | None:
        """The columns of a query, which may be of several SELECTs."""
        close = self.draft.close(at)
        listed = [
            self._listed(found)
            for found in self._blocks
            if at < found.select < close and self._belongs(found.select, at)
        ]
        members = [one for one in listed if one is not None]
        if not members or len(members) < len(listed) or len({len(one) for one in members}) > 1:
            return None
        if len(members) == 1:
            return members[0]
        return [(pairs[0][0], arithmetic.common(kind for _, kind in pairs)) for pairs in zip(*members, strict=True)]

    def _belongs(self, select: int, at: int) -> bool:
        """Whether a SELECT is a member of the query in the parentheses that open at `at`: no subquery, no CTE of it."""
        head = select
        while self.draft.mark(head - 1) == "(" and head - 1 > at:
            head -= 1
        if head not in set(self.draft.outermost(at + 1, select + 1)):
            return False
        if head - 1 == at or SET_OPERATORS & {self.draft.word(head - 1), self.draft.word(head - 2)}:
            return True
        return self.draft.mark(head - 1) == ")" and self.draft.word(at + 1) == "with"

    def _listed(self, found: Block) -> _Known | None:
        listed: _Known = []
        for item in items(self.draft, found):
            if not item.star:
                listed.append((item.name or "?column?", self.read(item.lo, item.end)))
                continue
            wanted = self.draft.name(item.lo)[0] if self.draft.is_name(item.lo) else None
            for source in self._from(found):
                if not wanted or source.name == wanted[-1]:
                    known = self._of_source(source, found.select)
                    if known is None:
                        return None
                    listed += known
        return listed
