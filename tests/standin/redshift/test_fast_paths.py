"""What is done quickly comes out as what is done at length: remembered statements, usual answers, waiting awake."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from standin.redshift import protocol
from standin.redshift.answers import Answers
from standin.redshift.dialect.names import short
from standin.redshift.dialect.statement import ColumnsNeeded, Context, DialectError
from standin.redshift.replies import Completion, Expect, Reply
from standin.redshift.translation import Translator
from standin.redshift.vigil import FEW, Vigil

TEXTS = [
    "select a from t where id = {} and b < {}",
    "select top {} a from t limit {}",
    "select a from t where {} and b = {}",
    "select cast(a as numeric({},{})) from t",
    "select a::varchar({}), b::char({}) from t order by 1",
    "select a{} from t{} -- {}",
    "select {}.{}, .{}, {}e5, 0x{}, $1 from t",
    "select '{}', {} from t",
    'select "A{}" from t{}',
    "select é{}, {} from t",
    "select log10({}), dlog10({}), sha1({}) from t",
    "select a from t union select {} minus select {} from u",
    "insert into t values ({}, {})",
    "update t set a = {} where b = {}",
    "delete from t where a in ({}, {})",
    "with x as (select {} as a) select * from x where a > {}",
    "create table t (a varchar({}), b int encode az64)",
    "create view v as select {}.{} as a",
    "create table t as select {}.{} as a",
    "vacuum t to {} percent; select {}",
    "set wlm_query_slot_count to {}",
    "fetch {} from c",
    "cancel {}",
    "select s.a[{}] from t as s limit {}",
    "select * exclude (a) from t where a = {}",
    "select {} / {}, {} * {} + {}",
    "select {}.{} / {}.{}, round({}.{}, 2)",
    "select sum(a) / {}, avg({}), cast({} as numeric({}, 2)) / 3 from t",
    "insert into t select {} / 7, case when true then {} else {} end",
]
SIZES = [0, 1, 38, 39, 50, 51, 65_535, 65_536, 2**31, 2**63, 10**19, 10**45]
NUMBERS = st.lists(st.one_of(st.integers(0, 70_000), st.sampled_from(SIZES)), min_size=6, max_size=6)


def translated(translator: Translator, text: str) -> tuple[str, object]:
    """What becomes of a text: how it ends, and with what."""
    try:
        known = translator.translate(text.encode())
    except (DialectError, ColumnsNeeded) as error:
        return type(error).__name__, str(error)
    return "", known if known.changed else (text, known.replies, known.is_plain, known.is_remarkable, known.sets_case)


def new_translator() -> Translator:
    def report(fault: BaseException) -> None:
        raise fault

    return Translator(Context(), report)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TEXTS), st.lists(NUMBERS, min_size=2, max_size=3))
def test_what_is_remembered_of_other_numbers_changes_nothing(text: str, asked: list[list[int]]) -> None:
    remembering = new_translator()
    for numbers in asked:
        sql = text.format(*numbers)
        assert translated(remembering, sql) == translated(new_translator(), sql)


def test_the_size_of_a_number_matters_to_a_quotient() -> None:
    translator = new_translator()
    assert not translator.translate(b"select 5 / 2").changed
    assert b"::numeric" in translator.translate(b"select 10000000000000000000 / 3").text


def test_a_statement_with_other_numbers_is_known() -> None:
    translator = new_translator()
    first = translator.translate(b"select a from t where id = 41")
    # a text that is no Redshift would be refused if it were looked at
    assert translator.translate(b"select a from t where id = 42") is first
    assert translator.translate(b"select top 5 a from t").text == b"select a from t limit 5"
    assert translator.translate(b"select top 6 a from t").text == b"select a from t limit 6"


class Collecting(asyncio.Transport):
    """A transport to nowhere that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data


def column(name: bytes, oid: int) -> bytes:
    return name + bytes(7) + oid.to_bytes(3, "big") + b"\0\4" + b"\xff\xff\xff\xff" + b"\0\0"


def rows(*columns: bytes) -> bytes:
    return protocol.message(b"T", len(columns).to_bytes(2, "big") + b"".join(columns))


EXECUTE, PARSE, BIND, DESCRIBE, SYNC, READY = (
    Expect.EXECUTE,
    Expect.PARSE,
    Expect.BIND,
    Expect.DESCRIBE,
    Expect.SYNC,
    Expect.READY,
)
LONG = "a_name_that_is_longer_than_postgres_lets_a_name_be_and_" + "x" * 40
ROW = protocol.data_row([b"\\x6162", b"text"])
DONE = protocol.message(b"C", b"SELECT 1\0")
ERROR = protocol.message(b"E", protocol.join_fields({"S": "ERROR", "C": "42P07", "M": 'relation "t" already exists'}))
CHANGED = Completion(new_translator().translate(b"vacuum t").batch, 0)
ANSWERS: list[tuple[list[Reply], bytes]] = [
    ([EXECUTE], rows(column(b"a\0", 23)) + ROW + ROW + DONE),
    ([DESCRIBE, EXECUTE], rows(column(b"a\0", 17), column(b"b\0", 25)) + ROW + DONE),
    ([DESCRIBE, EXECUTE], rows(column(short(LONG).encode() + b"\0", 25)) + ROW + DONE),
    ([PARSE, BIND], protocol.message(b"1") + protocol.message(b"2")),
    ([PARSE, DESCRIBE], protocol.message(b"1") + protocol.message(b"t", b"\0\1\0\0\0\x11") + protocol.message(b"n")),
    ([CHANGED], protocol.message(b"C", b"DO\0")),
    ([EXECUTE], protocol.notice("hear") + protocol.message(b"I")),
    ([EXECUTE], protocol.message(b"H", b"\0\0\0") + protocol.message(b"d", b"1\n") * 3 + protocol.message(b"c") + DONE),
    ([EXECUTE, BIND], ERROR),
]


def passed_on(asked: list[int], *, at_length: bool, cuts: list[int]) -> tuple[object, ...]:
    """What a client gets for batches of these answers, and what is known of the backend after it."""
    client = Collecting()

    async def run() -> Answers:
        answers = Answers(
            client,
            Vigil(),
            on_authentication=lambda body: None,
            on_completion=lambda statement: None,
            on_transaction=lambda code, body, failed: None,
            hold_backend=list,
        )
        answers.watch(is_watching=at_length)
        answers.expected.clear()
        stream = b""
        for number in asked:
            replies, said = ANSWERS[number]
            answers.expected.extend([*replies, SYNC])
            stream += said + protocol.message(b"Z", b"T")
        places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
        for begin, end in pairwise(places):
            answers.received(stream[begin:end])
        return answers

    answers = asyncio.run(run())
    return client.written, list(answers.expected), answers.status, answers.failed, answers.copying


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(ANSWERS) - 1), max_size=6), st.lists(st.integers(0, 2000), max_size=6))
def test_usual_answers_are_passed_on_as_all_others_are(asked: list[int], cuts: list[int]) -> None:
    quick = passed_on(asked, at_length=False, cuts=[])
    assert quick[1:] == ([], b"T" if asked else b"I", False, False)
    assert passed_on(asked, at_length=True, cuts=[]) == quick
    assert passed_on(asked, at_length=False, cuts=cuts) == quick


def test_the_loop_stays_awake_for_a_moment_and_no_longer() -> None:
    async def asked(vigil: Vigil) -> bool:
        vigil.asked("backend")
        return vigil.is_kept

    async def run() -> None:
        vigil = Vigil()
        assert await asked(vigil)
        vigil.answered("backend")
        while vigil.is_kept:
            await asyncio.sleep(0)
        vigil = Vigil()
        vigil.asked("another")
        vigil.asked("backend")
        while vigil.is_kept:
            await asyncio.sleep(0)
        # where several are asked, nobody waits
        assert not await asked(vigil)
        vigil = Vigil()
        for pause in (FEW, 2 * FEW):
            assert await asked(vigil)
            # nobody answers: this ends by itself
            while vigil.is_kept:
                await asyncio.sleep(0)
            assert not any([await asked(vigil) for _ in range(pause)])

    asyncio.run(asyncio.wait_for(run(), 10))
