"""Columns of an UNLOAD as the lines of its files: delimited, CSV, fixed width or JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from standin.redshift.s3.errors import failure
from standin.redshift.s3.jsontext import to_json
from standin.redshift.s3.resultset import Field, floats

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.commands import UnloadOptions

Render = Callable[["pa.Array", Field], "pa.Array"]


class Lines:
    """Renders batches of rows.

    Args:
        options: of the UNLOAD.
        fields: the columns that are written.
    """

    def __init__(self, options: UnloadOptions, fields: Sequence[Field]) -> None:
        self._options, self._fields = options, fields
        self._delimiter = options.delimiter or ("," if options.format == "csv" else "|")
        self._null = options.null_as or ""

    def render(self, columns: Sequence[pa.Array]) -> pa.Array:
        """One line of text with its end for each row.

        Args:
            columns: text columns as `resultset.read_rows` gives them.
        """
        import pyarrow.compute as pc

        texts = [
            _float_text(floats(column, field)) if field.type in ("float4", "float8") else column
            for column, field in zip(columns, self._fields, strict=True)
        ]
        pieces: list[pa.Array | str] = []
        if self._options.format == "json":
            before = "{"
            for text, field in zip(texts, self._fields, strict=True):
                pieces += [f"{before}{to_json(field.name)}:", self._json(text, field)]
                before = ","
            pieces.append("}\n")
        elif self._options.format == "fixedwidth":
            for index, (text, field) in enumerate(zip(texts, self._fields, strict=True)):
                pieces.append(self._padded(text, field, self._options.fixed_widths[index][1]))
            pieces.append("\n")
        else:
            quote = self._quoted_where_needed if self._options.format == "csv" else self._separable
            for text, field in zip(texts, self._fields, strict=True):
                pieces += [quote(text, field), self._delimiter]
            pieces[-1] = "\n"
        return pc.binary_join_element_wise(*pieces, "")

    def header(self) -> bytes:
        """The line of column names."""
        import pyarrow as pa

        names = [Field(field.name, "varchar", -1) for field in self._fields]
        line = Lines(self._options, names).render([pa.array([field.name], pa.string()) for field in self._fields])
        return str(line[0].as_py()).encode()

    def _filled(self, text: pa.Array) -> pa.Array:
        import pyarrow.compute as pc

        return pc.fill_null(text, self._null)

    def _quoted_where_needed(self, text: pa.Array, field: Field) -> pa.Array:
        import pyarrow.compute as pc

        if field.is_number and self._delimiter not in "+-.0123456789eE":
            return self._filled(text)
        needed = pc.or_(pc.match_substring_regex(text, f'["\\n\\r\\x{ord(self._delimiter):02x}]'), pc.equal(text, ""))
        if pc.any(needed).as_py():
            quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
            text = pc.if_else(needed, quoted, text)
        return self._filled(text)

    def _separable(self, text: pa.Array, field: Field) -> pa.Array:
        import pyarrow.compute as pc

        options = self._options
        if options.escape and (field.is_text or field.is_super or field.type == "other"):
            for letter in ("\\", "\n", "\r", self._delimiter, *(('"', "'") if options.add_quotes else ())):
                text = pc.replace_substring(text, letter, "\\" + letter)
        if options.add_quotes:
            text = pc.binary_join_element_wise('"', text, '"', "")
        return self._filled(text)

    def _padded(self, text: pa.Array, field: Field, width: int) -> pa.Array:
        import pyarrow.compute as pc

        null = self._null
        if len(null) > width:
            if field.is_text:
                raise failure(f"The null string is longer than the width {width} of column {field.name}")
            null = ""
        text = pc.fill_null(text, null)
        longest = pc.max(pc.utf8_length(text)).as_py() or 0
        if longest > width:
            raise failure(f"A value of column {field.name} is {longest} characters long, its fixed width is {width}")
        return pc.utf8_rpad(text, width)

    def _json(self, text: pa.Array, field: Field) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if field.is_super:
            found = [None if value is None else _one_line(value) for value in text.to_pylist()]
            return pc.fill_null(pa.array(found, pa.string()), "null")
        if field.type == "bool":
            return pc.fill_null(pc.if_else(pc.equal(text, "t"), "true", "false"), "null")
        if field.is_number:
            finite = pc.invert(pc.match_substring_regex(text, "[Nn][Aa][Nn]|[Ii]nf"))
            return pc.fill_null(pc.if_else(finite, text, pc.binary_join_element_wise('"', text, '"', "")), "null")
        if pc.any(pc.match_substring_regex(text, r"[\x00-\x1f]")).as_py():
            found = [None if value is None else to_json(value) for value in text.to_pylist()]
            return pc.fill_null(pa.array(found, pa.string()), "null")
        text = pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), '"', '\\"')
        return pc.fill_null(pc.binary_join_element_wise('"', text, '"', ""), "null")


def _float_text(numbers: pa.Array) -> pa.Array:
    """As Postgres writes them: the fewest digits that give the number again."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = numbers.cast(pa.string())
    if pc.all(pc.is_finite(numbers)).as_py() is False:
        for arrow, postgres in (("nan", "NaN"), ("-inf", "-Infinity"), ("inf", "Infinity")):
            text = pc.if_else(pc.equal(text, arrow), postgres, text)
    return text


def _one_line(value: str) -> str:
    from standin.redshift.s3.jsontext import read_value

    try:
        return to_json(read_value(value))
    except (ValueError, RecursionError):
        return to_json(value)
