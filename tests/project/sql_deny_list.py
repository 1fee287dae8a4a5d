"""Constructs that one of the two engines does not have, to be looked for in compiled SQL.

The linter cannot tell (its Redshift dialect accepts most of what only Postgres has), and the local warehouse cannot
either (it is a Postgres). So compiled SQL is taken apart into tokens, which drops comments and the insides of texts,
put together again with single spaces, and searched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlglot.dialects.postgres import Postgres
from sqlglot.tokens import TokenType


@dataclass(frozen=True)
class Denied:
    """A construct: what it is called, how it looks in normalised SQL, and what to write instead."""

    construct: str
    pattern: str
    remedy: str


# Reserved on Redshift and on no other engine that we meet: a name that works locally and fails in production.
REDSHIFT_RESERVED = {
    *("aes128", "aes256", "allowoverwrite", "az64", "backup", "blanksasnull", "bytedict", "bzip2", "credentials"),
    *("deflate", "defrag", "delta", "delta32k", "disable", "emptyasnull", "enable", "encode", "encrypt", "encryption"),
    *(
        "explicit",
        "globaldict256",
        "globaldict64k",
        "gzip",
        "identity",
        "ignore",
        "lun",
        "luns",
        "lzo",
        "lzop",
        "minus",
    ),
    *("mostly16", "mostly32", "mostly8", "new", "off", "offline", "oid", "old", "open", "parallel", "percent"),
    *("permissions", "pivot", "raw", "readratio", "recover", "rejectlog", "resort", "respect", "restore", "snapshot"),
    *("sysdate", "system", "tag", "tdes", "text255", "text32k", "top", "truncatecolumns", "unpivot", "wallet"),
}

# In the order of the words of a query.
NOT_ON_REDSHIFT = (
    Denied("distinct on", r"\bdistinct on \(", "row_number() over (partition by ...) in a CTE, then = 1"),
    Denied("filter (where ...)", r"\bfilter \( where\b", "sum(case when ... then 1 else 0 end)"),
    Denied("string_agg", r"\bstring_agg \(", "dbt.listagg"),
    Denied("array_agg", r"\barray_agg \(", "dbt.listagg, or keep one row per element"),
    Denied("JSON operators", r"(->>|->|#>>|#>|@>|<@)", "columns that are parsed before they land"),
    Denied("lateral", r"\blateral\b", "a join, or a window function"),
    Denied("generate_series", r"\bgenerate_series \(", "a seed of numbers, or the rows that are there"),
    Denied("is distinct from", r"\bis (not )?distinct from\b", "a = b or (a is null and b is null)"),
    Denied("named window", r"\bwindow \w+ as \(", "the window written out in each over (...)"),
    Denied("now()", r"\bnow \( \)", "int_reporting__as_of: results must not depend on the clock"),
    Denied("regexp_matches", r"\bregexp_matches \(", "a macro in macros/lib/cross_db with a twin for each engine"),
    Denied("gen_random_uuid", r"\bgen_random_uuid \(", "hash_key over the columns that identify the row"),
    Denied("as materialized", r"\bas (not )?materialized \(", "a model of its own"),
    Denied(
        "count(distinct) over",
        r"\bcount \( distinct [^()]*\) over\b",
        "count distinct in a CTE with group by, then join",
    ),
    Denied("tablesample", r"\btablesample\b", "a hash of the key, and a remainder"),
    Denied("jsonb", r"(:: jsonb?\b|\bas jsonb? \))", "columns that are parsed before they land"),
    Denied("uuid", r"(:: uuid\b|\bas uuid \))", "varchar(36)"),
    Denied("arrays", r"(\barray \[|\[ \d* \]|\bunnest \()", "one row per element"),
    Denied("on conflict", r"\bon conflict\b", "an incremental strategy of dbt"),
    Denied("returning", r"\breturning\b", "a second query"),
    Denied("union distinct", r"\b(union|intersect|except) distinct\b", "union all, then select distinct"),
    Denied("age()", r"\bage \(", "seconds_between"),
    Denied("create index", r"\bcreate (unique )?index\b", "config(dist=..., sort=...)"),
    Denied(
        "a word reserved on Redshift as a name",
        rf"(?<![\w.]\. )\b({'|'.join(sorted(REDSHIFT_RESERVED))})\b(?! \()",
        "another name, or adapter.quote('...') for a raw column that is called so",
    ),
)

NOT_ON_POSTGRES = (
    Denied("qualify", r"\bqualify\b", "row_number() in a CTE, then where ... = 1"),
    Denied("super", r"(:: super\b|\bas super \))", "columns that are parsed before they land"),
    Denied("listagg", r"\blistagg \(", "dbt.listagg"),
    Denied("getdate", r"\bgetdate \(", "int_reporting__as_of: results must not depend on the clock"),
    Denied("sysdate", r"\bsysdate\b", "int_reporting__as_of: results must not depend on the clock"),
    Denied("nvl, nvl2", r"\bnvl2? \(", "coalesce, or case"),
    Denied("decode", r"\bdecode \(", "case"),
    Denied("dateadd", r"\bdateadd \(", "dbt.dateadd, or days_before"),
    Denied("datediff", r"\bdatediff \(", "seconds_between, or dbt.datediff"),
    Denied("convert_timezone", r"\bconvert_timezone \(", "to_utc_timestamp"),
    Denied("approximate count", r"\bapproximate (count|percentile)", "count(distinct ...)"),
    Denied("unpivot", r"\b(un)?pivot \(", "a union all, or case"),
    Denied("group by all", r"\bgroup by all\b", "the columns by name"),
    Denied("select top", r"\bselect top \d", "limit"),
    Denied("len", r"\blen \(", "length"),
)


def normalise(sql: str) -> str:
    """The statement's tokens in lower case with single spaces between; texts are empty, comments are gone."""
    words = []
    for token in Postgres().tokenize(sql):
        if token.token_type in (TokenType.STRING, TokenType.HEREDOC_STRING):
            words.append("''")
        elif token.token_type is TokenType.IDENTIFIER:
            words.append('""')
        else:
            words.append(token.text.lower())
    # a quoted name may be any word
    return " ".join(words)


def denied(sql: str, constructs: tuple[Denied, ...]) -> list[str]:
    """What of the list is in the SQL, each as "construct (as found): remedy"."""
    normal = normalise(sql)
    found = []
    for construct in constructs:
        match = re.search(construct.pattern, normal)
        if match:
            found.append(f"{construct.construct} (`{match.group(0).strip()}`): write {construct.remedy} instead")
    return found
