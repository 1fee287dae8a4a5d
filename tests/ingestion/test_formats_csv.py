import io

import pytest

from ingestion.contract import Notation
from ingestion.errors import IngestError
from ingestion.formats.csv import BLOCK_BYTES, Csv


def read(dialect, content):
    return list(dialect.read(io.BytesIO(content)))


def rows_of(batches):
    return [row for batch in batches for row in batch.table.to_pylist()]


def broken_of(batches):
    return [(one.row, one.reason) for batch in batches for one in batch.broken]


PERSON = [{"nimi": "Äijälä", "summa": "1,50"}, {"nimi": None, "summa": "2"}]


@pytest.mark.parametrize(
    ("dialect", "content"),
    [
        (Csv(delimiter=";"), "Nimi;Summa\nÄijälä;1,50\n;2\n".encode()),
        (Csv(delimiter=";"), "\ufeffNimi;Summa\nÄijälä;1,50\n;2\n".encode()),
        (Csv(delimiter=";", encoding="utf-8-sig"), "\ufeffNimi;Summa\r\nÄijälä;1,50\r\n;2\r\n".encode()),
        (Csv(delimiter=";", encoding="utf-16"), "Nimi;Summa\nÄijälä;1,50\n;2\n".encode("utf-16")),
        (Csv(delimiter=";", encoding="utf-16-le"), "\ufeffNimi;Summa\nÄijälä;1,50\n;2\n".encode("utf-16-le")),
        (Csv(delimiter=";", encoding="iso-8859-1"), "Nimi;Summa\nÄijälä;1,50\n;2\n".encode("iso-8859-1")),
        (Csv(delimiter=";", encoding="windows-1252"), "Nimi;Summa\nÄijälä;1,50\n;2\n".encode("cp1252")),
        (Csv(), 'Nimi,Summa\nÄijälä,"1,50"\n"",2'.encode()),
        (Csv(quote="'"), "Nimi,Summa\nÄijälä,'1,50'\n'',2\n".encode()),
        (Csv(quote=None, escape="\\"), "Nimi,Summa\nÄijälä,1\\,50\n,2\n".encode()),
        (Csv(delimiter="\t", quote=None), "Nimi\tSumma\nÄijälä\t1,50\n\t2\n".encode()),
        (Csv(delimiter=";"), "Nimi;Summa\rÄijälä;1,50\r;2\r".encode()),
        (Csv(delimiter=";", header=("nimi", "summa")), "Äijälä;1,50\n;2\n".encode()),
        (Csv(delimiter=";", preamble=2), "Report;;\n\nNimi;Summa\nÄijälä;1,50\n;2\n".encode()),
        (Csv(delimiter=";", comment="#"), "# made by X\n# on Y\nNimi;Summa\nÄijälä;1,50\n# half way\n;2\n".encode()),
        (Csv(delimiter=";", aliases={"name": "nimi"}), "Name;Summa\nÄijälä;1,50\n;2\n".encode()),
        (Csv(delimiter=";", nulls=("", "NULL")), "Nimi;Summa\nÄijälä;1,50\nNULL;2\n".encode()),
        (Csv(delimiter=";", trailer="T;", trailer_count=2), "Nimi;Summa\nÄijälä;1,50\n;2\nT;2\n".encode()),
        (Csv(delimiter=";", encoding="utf-16", trailer="END"), "Nimi;Summa\nÄijälä;1,50\n;2\nEND".encode("utf-16")),
    ],
    ids=[
        "semicolon", "mark", "utf-8-sig", "utf-16", "utf-16-le with mark", "latin-1", "windows-1252", "comma", "quote",
        "escape", "tab", "carriage returns", "no header", "preamble", "comments", "renamed column", "nulls", "trailer",
        "trailer in utf-16",
    ],
)  # fmt: skip
def test_one_table_in_many_dialects(dialect, content):
    batches = read(dialect, content)
    assert rows_of(batches) == PERSON
    assert broken_of(batches) == []


def test_doubled_quotes_delimiters_and_line_ends_inside_quotes():
    content = b'a,b\r\n"say ""hi"", you","two\r\nlines"\r\n5" disk,"x"\r\n'
    assert rows_of(read(Csv(), content)) == [{"a": 'say "hi", you', "b": "two\r\nlines"}, {"a": '5" disk', "b": "x"}]


def test_a_header_with_quotes_and_a_line_end_inside():
    assert rows_of(read(Csv(), b'"a, b","c\nd"\n1,2\n')) == [{"a_b": "1", "c_d": "2"}]


def test_columns_may_come_in_another_order_be_new_or_be_missing():
    assert rows_of(read(Csv(), b"b,new,a\n2,x,1\n")) == [{"b": "2", "new": "x", "a": "1"}]


def test_a_comment_that_looks_like_a_row_is_read_as_one():
    batches = read(Csv(comment="#"), b"a,b\n#1,2\n# no row\n3,4\n")
    assert rows_of(batches) == [{"a": "#1", "b": "2"}, {"a": "3", "b": "4"}]
    assert [row for batch in batches for row in batch.rows.to_pylist()] == [1, 3]


def test_a_row_with_bytes_of_another_encoding_is_broken_and_the_rest_is_read():
    content = b"a,b\n1,x\n2,caf\xe9\n3,z\n\xff,4,5\n6,7\n"
    batches = read(Csv(), content)
    assert [row["a"] for row in rows_of(batches)] == ["1", "3", "6"]
    assert [row for batch in batches for row in batch.rows.to_pylist()] == [1, 3, 5]
    assert sorted(broken_of(batches)) == [
        (2, "b is not in utf-8: byte E9 after 'caf'"),
        (4, "the line has 3 fields, the header 2"),
    ]


def test_bytes_that_a_one_byte_encoding_does_not_know():
    batches = read(Csv(encoding="windows-1252"), b"a\nx\n\x81\n")
    assert rows_of(batches) == [{"a": "x"}]
    assert broken_of(batches) == [(2, "a is not in windows-1252: byte 81 after ''")]


def test_letters_that_a_block_cuts_in_two():
    line = "ä" * 5000 + "\n"
    content = ("a\n" + line * 500).encode()
    assert len(content) > 4 * BLOCK_BYTES
    assert {row["a"] for row in rows_of(read(Csv(), content))} == {line.strip()}


def test_a_file_of_nothing_but_ragged_lines_is_refused_with_a_hint(monkeypatch):
    monkeypatch.setattr("ingestion.formats.csv.MOST_BROKEN", 1000)
    with pytest.raises(IngestError, match=r"from row 1 on: the line has 3 fields, .* Is the delimiter really ';'"):
        read(Csv(delimiter=";"), b"a,b,c\n" + b"1;2;3\n" * 1500)


def test_ragged_lines_between_rows_are_told_in_batches(monkeypatch):
    monkeypatch.setattr("ingestion.formats.csv.BATCH_BYTES", 1 << 20)
    batches = read(Csv(), b"a,b\n" + (b"1,2\n" + b"x" * 200 + b"\n") * 20_000)
    assert sum(len(batch.broken) for batch in batches) == 20_000
    assert len(batches) > 1
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    assert rows == list(range(1, 40_000, 2))


@pytest.mark.parametrize(
    ("dialect", "content", "message"),
    [
        (Csv(trailer="T;"), b"a\n1\n2\n", "does not end with its trailer 'T;'"),
        (Csv(delimiter=";", trailer="T;", trailer_count=2), b"a;b\n1;2\nT;7\n", "says '7' rows and the file has 1"),
        (Csv(), b'a,b\n1,"x\n2,y\n', "ends inside a quoted value"),
        (Csv(), b'a,b\n1,x\n2,"y', "ends inside a quoted value"),
        (Csv(), b'a,b\n1,"x\n' + b"2,y\n" * (BLOCK_BYTES // 2), "a quote is not closed"),
        (Csv(), ",".join(f"c{n}" for n in range(2000)).encode(), "names 2,000 columns; a table holds 1,600"),
        (Csv(encoding="utf-16"), b"a\x00b", "cannot be read in its encoding: UTF-16 stream does not start with BOM"),
    ],
    ids=["no trailer", "count", "open quote", "open quote at the end", "long open quote", "columns", "no utf-16"],
)  # fmt: skip
def test_files_that_are_refused(dialect, content, message):
    with pytest.raises(IngestError, match=message):
        read(dialect, content)


def test_a_quoted_value_over_lines_before_a_last_line_that_is_ragged():
    batches = read(Csv(), b'a,b\n1,"x\ny"\n2\n')
    assert rows_of(batches) == [{"a": "1", "b": "x\ny"}]
    assert broken_of(batches) == [(2, "the line has 1 fields, the header 2")]


def test_the_notation_is_the_dialects_own():
    assert Csv(notation=Notation(decimal_mark=",")).notation.decimal_mark == ","
