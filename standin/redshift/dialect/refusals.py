"""The table of what Postgres takes and Redshift refuses; `refuse` holds statements against it.

Sources: the SQL reference, "Unsupported PostgreSQL features", "… data types", "… functions", "SQL functions supported
on the leader node", and the statements' own pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect.lexer import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.rewrite import Draft

SYNTAX = "42601"
NOT_SUPPORTED = "0A000"
NO_FUNCTION = "42883"
NO_OBJECT = "42704"
ON_TABLES = "Specified types or functions (one per INFO message) not supported on Redshift tables."


@dataclass(frozen=True)
class Rule:
    """A construct that is refused.

    Attributes:
        name: what it is called.
        words: the words that it consists of; `(` stands for itself.
        error: Redshift's text, or where the text is a syntax error, how many words on it is reported (0: the first).
        sqlstate: Redshift's.
        hint: what to write instead.
        example: a statement that is refused for it.
        when: holds at the place of the first word; None for always.
        catalogue: the leader node knows it: a query of catalogue relations may use it.
    """

    name: str
    words: str
    error: str | int
    sqlstate: str
    hint: str | None
    example: str
    when: Callable[[Draft, int], bool] | None = None
    catalogue: bool = False


def _after(*words: str) -> Callable[[Draft, int], bool]:
    return lambda draft, at: draft.word(at - 1) in words or draft.mark(at - 1) in words


def _in(*kinds: str) -> Callable[[Draft, int], bool]:
    return lambda draft, at: draft.kind in kinds


def _is_row_source(draft: Draft, at: int) -> bool:
    """Whether VALUES stands where a query may: not in INSERT and MERGE."""
    return draft.mark(at - 1) == "(" or draft.word(at - 1) in ("as", "union", "all", "except", "intersect")


def _is_clause(draft: Draft, at: int) -> bool:
    return draft.mark(at - 1) != "." and draft.word(at - 1) != "as"


def _ends_query(draft: Draft, at: int) -> bool:
    return at > 0 and _is_clause(draft, at) and draft.kind not in ("create", "grant", "revoke", "alter")


def _is_alone(draft: Draft, at: int) -> bool:
    return (
        draft.mark(at - 1) != "."
        and draft.mark(at + 1) not in (".", "(")
        and draft.word(at - 1) not in ("as", "column")
    )


def _counts_rows(draft: Draft, at: int) -> bool:
    return draft.kind_at(at + 1) in ("number", "parameter") and draft.word(at + 2) in ("row", "rows")


def _names_a_join(draft: Draft, at: int) -> bool:
    if draft.mark(at + 1) != "(" or draft.kind not in ("select", "with", "insert", "create"):
        return False
    close = draft.close(at + 1)
    return draft.word(close + 1) == "as" and draft.is_name(close + 2)


# in front of a parenthesis with ORDER BY in it that is no call
_ORDERED = frozenset({"over", "group", "as", "from", "join", "in", "exists", "all", "any", "some", "union", "except"})


def _is_in_call(draft: Draft, at: int) -> bool:
    """Whether ORDER BY stands among the arguments of a function."""
    opening = draft.enclosing(at)
    called = opening > 0 and draft.is_name(opening - 1) and draft.word(opening - 1) not in _ORDERED
    return called and "select" not in {draft.word(place) for place in draft.outermost(opening + 1, at)}


RULES: tuple[Rule, ...] = (
    Rule(
        "RETURNING",
        "returning",
        0,
        SYNTAX,
        None,
        "insert into t values (1) returning id",
        lambda draft, at: (
            at > 0 and _is_clause(draft, at) and draft.kind in ("insert", "update", "delete", "merge", "with")
        ),
    ),
    Rule(
        "ON CONFLICT",
        "on conflict",
        1,
        SYNTAX,
        "Use MERGE.",
        "insert into t values (1) on conflict do nothing",
        _in("insert", "with"),
    ),
    Rule(
        "INSERT in a WITH", "as ( insert", 2, SYNTAX, None, "with a as (insert into t values (1)) select 1", _in("with")
    ),
    Rule("UPDATE in a WITH", "as ( update", 2, SYNTAX, None, "with a as (update t set b = 1) select 1", _in("with")),
    Rule("DELETE in a WITH", "as ( delete", 2, SYNTAX, None, "with a as (delete from t) select 1", _in("with")),
    Rule(
        "EXCEPT ALL", "except all", "EXCEPT ALL is not supported", NOT_SUPPORTED, None, "select 1 except all select 2"
    ),
    Rule("MINUS ALL", "minus all", "MINUS ALL is not supported", NOT_SUPPORTED, None, "select 1 minus all select 2"),
    Rule(
        "INTERSECT ALL",
        "intersect all",
        "INTERSECT ALL is not supported",
        NOT_SUPPORTED,
        None,
        "select 1 intersect all select 2",
    ),
    Rule(
        "OVERRIDING", "overriding", 0, SYNTAX, None, "insert into t overriding system value values (1)", _in("insert")
    ),
    Rule(
        "DISTINCT ON",
        "distinct on (",
        "SELECT DISTINCT ON is not supported",
        NOT_SUPPORTED,
        "Use QUALIFY ROW_NUMBER() OVER (…) = 1.",
        "select distinct on (a) a, b from t",
        _after("select"),
    ),
    Rule(
        "FILTER",
        "filter ( where",
        1,
        SYNTAX,
        "Use a CASE expression in the aggregate.",
        "select count(*) filter (where a > 1) from t",
        _after(")"),
    ),
    Rule("LATERAL", "lateral", 0, SYNTAX, None, "select * from t, lateral (select t.a) x", _after("from", "join", ",")),
    Rule(
        "WINDOW",
        "window",
        0,
        SYNTAX,
        "Write the window in OVER.",
        "select sum(a) over w from t window w as (partition by b)",
        lambda draft, at: (
            _is_clause(draft, at) and draft.is_name(at + 1) and draft.word(at + 2) == "as" and draft.mark(at + 3) == "("
        ),
    ),
    Rule("TABLESAMPLE", "tablesample", 0, SYNTAX, None, "select * from t tablesample system (10)", _is_clause),
    Rule(
        "FOR UPDATE",
        "for update",
        "SELECT FOR UPDATE is not supported",
        NOT_SUPPORTED,
        "Use LOCK.",
        "select * from t for update",
        _ends_query,
    ),
    Rule("FOR SHARE", "for share", 1, SYNTAX, None, "select * from t for share", _ends_query),
    Rule("FOR NO KEY UPDATE", "for no key update", 1, SYNTAX, None, "select * from t for no key update", _ends_query),
    Rule("FETCH FIRST", "fetch first", 0, SYNTAX, "Use LIMIT.", "select a from t fetch first 5 rows only", _ends_query),
    Rule(
        "FETCH NEXT",
        "fetch next",
        0,
        SYNTAX,
        "Use LIMIT.",
        "select a from t offset 1 fetch next 5 rows only",
        _ends_query,
    ),
    Rule(
        "IS DISTINCT FROM",
        "is distinct from",
        1,
        SYNTAX,
        "Compare with =, and with IS NULL.",
        "select a is distinct from b from t",
        catalogue=True,
    ),
    Rule(
        "IS NOT DISTINCT FROM",
        "is not distinct from",
        2,
        SYNTAX,
        "Compare with =, and with IS NULL.",
        "select a is not distinct from b from t",
        catalogue=True,
    ),
    Rule(
        "VALUES as a table",
        "values (",
        0,
        SYNTAX,
        "Use SELECT … UNION ALL SELECT …",
        "select * from (values (1), (2)) as v",
        _is_row_source,
    ),
    Rule("MATERIALIZED", "as materialized (", 1, SYNTAX, None, "with a as materialized (select 1) select * from a"),
    Rule(
        "NOT MATERIALIZED",
        "as not materialized (",
        1,
        SYNTAX,
        None,
        "with a as not materialized (select 1) select * from a",
    ),
    Rule(
        "ARRAY constructor",
        "array [",
        1,
        SYNTAX,
        "Use ARRAY(…), which makes a SUPER.",
        "select array[1, 2]",
        catalogue=True,
    ),
    Rule("ARRAY of a query", "array ( select", 2, SYNTAX, None, "select array(select a from t)", catalogue=True),
    Rule("WITH ORDINALITY", "with ordinality", 1, SYNTAX, None, "select * from f(1) with ordinality"),
    Rule("ROWS FROM", "rows from (", 1, SYNTAX, None, "select * from rows from (f(1))", _after("from", "join", ",")),
    Rule("OFFSET … ROWS", "offset", 2, SYNTAX, None, "select a from t offset 1 rows", _counts_rows),
    Rule("USING … AS", "using", 0, SYNTAX, None, "select * from t join u using (a) as j", _names_a_join),
    Rule(
        "ORDER BY in a call",
        "order by",
        0,
        SYNTAX,
        "Use WITHIN GROUP (ORDER BY …), which LISTAGG and the percentiles have.",
        "select count(a order by b) from t",
        _is_in_call,
        catalogue=True,
    ),
    Rule(
        "BETWEEN SYMMETRIC",
        "between symmetric",
        1,
        SYNTAX,
        None,
        "select a between symmetric 3 and 1 from t",
    ),
    Rule(
        "EXCLUDE in a frame",
        "exclude",
        0,
        SYNTAX,
        None,
        "select sum(a) over (order by a rows unbounded preceding exclude ties) from t",
        _after("row", "following", "preceding"),
    ),
    Rule(
        "ROW",
        "row (",
        "ROW expression, implicit or explicit, is not supported in target list",
        NOT_SUPPORTED,
        None,
        "select row(1, a) from t",
        _after("select", "distinct", "all", ","),
    ),
    Rule(
        "CURRENT_ROLE",
        "current_role",
        'column "current_role" does not exist',
        "42703",
        "Use CURRENT_USER.",
        "select current_role",
        _is_alone,
    ),
    Rule(
        "CURRENT_CATALOG",
        "current_catalog",
        'column "current_catalog" does not exist',
        "42703",
        "Use CURRENT_DATABASE().",
        "select current_catalog",
        _is_alone,
    ),
    Rule("WITH TIES", "with ties", 1, SYNTAX, None, "select a from t order by a limit 1 with ties"),
    Rule(
        "COLLATE",
        "collate",
        "COLLATE with a collation's name is not supported",
        NOT_SUPPORTED,
        "Use COLLATE(value, 'ci').",
        'select a collate "C" from t',
        lambda draft, at: draft.kind_at(at + 1) == "quoted",
        catalogue=True,
    ),
    Rule("IS JSON", "is json", 1, SYNTAX, "Use IS_VALID_JSON.", "select a is json from t"),
    Rule("NORMALIZED", "is normalized", 1, SYNTAX, None, "select a is normalized from t"),
    Rule("LIKE ANY", "like any (", 1, SYNTAX, None, "select a like any ('{x}') from t"),
    Rule("GROUP BY DISTINCT", "group by distinct", 2, SYNTAX, None, "select a from t group by distinct a"),
    Rule("INHERITS", "inherits (", 0, SYNTAX, None, "create table c () inherits (t)", _in("create")),
    Rule(
        "PARTITION BY",
        "partition by range (",
        0,
        SYNTAX,
        "Use DISTKEY and SORTKEY.",
        "create table c (a int) partition by range (a)",
        _in("create"),
    ),
    Rule("TABLESPACE", "tablespace", 0, SYNTAX, None, "create table c (a int) tablespace x", _in("create")),
    Rule(
        "WITH (storage)",
        "with ( fillfactor",
        0,
        SYNTAX,
        None,
        "create table c (a int) with (fillfactor = 70)",
        _in("create"),
    ),
)

# called, they do not exist on Redshift; by what to write instead
_FUNCTIONS = {
    "Use LISTAGG.": """
        string_agg
    """,
    "Use LISTAGG, or ARRAY for a SUPER.": """
        array_agg
    """,
    "Use ARRAY_CONCAT, SUBARRAY and GET_ARRAY_LENGTH on SUPER.": """
        array_append array_cat array_dims array_fill array_length array_lower array_ndims array_prepend array_remove
        array_replace array_to_json array_to_string array_upper cardinality string_to_array trim_array unnest
        array_sample array_shuffle array_reverse
    """,
    "Use JSON_PARSE and the functions of SUPER.": """
        json_agg json_array_elements json_array_elements_text json_build_array json_build_object json_each
        json_each_text json_extract_path json_object json_object_agg json_object_keys json_populate_record
        json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_array json_value json_query
        json_exists json_table json_scalar json_agg_strict json_object_agg_strict json_object_agg_unique
        json_object_agg_unique_strict json_to_tsvector jsonb_agg_strict jsonb_object_agg_strict jsonb_object_agg_unique
        jsonb_object_agg_unique_strict jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz
        jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid
        jsonb_populate_recordset jsonb_to_tsvector jsonb_agg jsonb_array_elements jsonb_array_elements_text
        jsonb_array_length jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path
        jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists
        jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set
        jsonb_set_lax jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
    """,
    "Use REGEXP_SUBSTR, REGEXP_COUNT or REGEXP_INSTR.": """
        regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regexp_like
    """,
    "Use || or CONCAT.": """
        concat_ws
    """,
    "Use SVV_TABLES or PG_CLASS.": """
        to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure to_regrole
        to_regtype to_regtypemod
    """,
    "Use SPLIT_PART or SPLIT_TO_ARRAY.": """
        string_to_table
    """,
    "Use FUNC_SHA1, SHA2 or MD5.": """
        digest hmac crypt gen_salt sha224 sha256 sha384 sha512
    """,
    "Use TO_HEX, FROM_HEX, TO_VARBYTE and FROM_VARBYTE.": """
        encode decode_bytea convert_from convert_to set_byte set_bit get_bit get_byte
    """,
    "Use STRTOL, DATEADD or another function of the SQL reference.": """
        bit_length overlay format quote_nullable to_bin to_oct unistr normalize parse_ident starts_with casefold
        crc32c
    """,
    "Use a WITH RECURSIVE query or a table of numbers.": """
        generate_subscripts
    """,
    "Use GETDATE() or SYSDATE.": """
        clock_timestamp statement_timestamp transaction_timestamp
    """,
    "Use DATEADD.": """
        make_date make_time make_timestamp make_timestamptz make_interval date_bin justify_days justify_hours
        justify_interval isfinite date_add_pg to_timestamp_epoch date_subtract
    """,
    "": """
        every xmlagg corr covar_pop covar_samp regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
        regr_sxx regr_sxy regr_syy mode range_agg range_intersect_agg bit_xor div setseed width_bucket gcd lcm
        factorial cosh sinh tanh acosh asinh atanh acosd asind atand atan2d cosd sind tand cotd erf erfc gamma lgamma
        random_normal scale min_scale trim_scale gen_random_uuid uuidv4 uuidv7 uuid_generate_v4 uuid_extract_timestamp
        uuid_extract_version num_nonnulls num_nulls pg_sleep pg_sleep_for pg_sleep_until nextval currval setval lastval
        pg_advisory_lock pg_advisory_unlock pg_advisory_xact_lock pg_try_advisory_lock pg_notify inet_client_addr
        inet_client_port inet_server_addr inet_server_port abbrev broadcast family host hostmask masklen netmask
        network set_masklen inet_merge pg_read_file pg_read_binary_file pg_ls_dir pg_stat_file lo_import lo_export
        pg_logdir_ls pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_database_size
        pg_size_pretty pg_size_bytes to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery
        ts_rank ts_rank_cd ts_headline setweight tsvector_to_array numnode querytree strip array_to_tsvector xmlelement
        xmlforest xmlconcat xmlparse xmlserialize xmlroot xmlpi xpath xpath_exists xmlexists xmltable int4range
        int8range numrange tsrange tstzrange daterange lower_inc upper_inc isempty range_merge multirange enum_first
        enum_last enum_range txid_current pg_current_xact_id current_query pg_trigger_depth pg_listening_channels
        pg_my_temp_schema pg_conf_load_time pg_postmaster_start_time similarity word_similarity crosstab dblink
        bit_count pg_typeof pg_basetype pg_column_size pg_column_compression pg_input_is_valid pg_input_error_info
        has_any_column_privilege has_column_privilege has_parameter_privilege has_sequence_privilege
        has_server_privilege has_type_privilege has_foreign_data_wrapper_privilege pg_has_role row_security_active
        system_user icu_unicode_version unicode_version unicode_assigned is_normalized mxid_age
        txid_current_if_assigned txid_current_snapshot txid_status pg_current_snapshot pg_current_xact_id_if_assigned
        pg_xact_status pg_try_advisory_xact_lock pg_advisory_lock_shared pg_advisory_unlock_all pg_logical_emit_message
        pg_reload_conf pg_rotate_logfile pg_promote pg_switch_wal pg_blocking_pids pg_export_snapshot lo_create
        lo_creat lo_unlink lo_get lo_put lo_open lo_from_bytea cursor_to_xml database_to_xml schema_to_xml xmlcomment
        xmltext xml_is_well_formed ts_stat ts_debug ts_parse ts_lexize ts_rewrite ts_delete ts_filter tsquery_phrase
        lower_inf upper_inf center height width ishorizontal isvertical isparallel isperp pclose popen levenshtein
        metaphone unaccent area box circle diameter diagonal isclosed isopen lseg npoints path point polygon radius
        slope query_to_xml table_to_xml
    """,
}
FUNCTIONS: dict[str, str] = {name: hint for hint, names in _FUNCTIONS.items() for name in names.split()}

# known to the leader node: they cannot meet a table of the user's
LEADER_ONLY = frozenset({"now", "age", "generate_series", "pg_get_viewdef_rows"})

# in a cast
TYPES = words(
    """
        bigserial bit box bytea cidr circle citext cube datemultirange daterange hstore inet int4multirange
        int4range int8multirange int8range json jsonb jsonpath line lseg ltree macaddr macaddr8 money nummultirange
        numrange path pg_lsn point polygon serial smallserial tsmultirange tsquery tsrange tstzmultirange tstzrange
        tsvector txid_snapshot uuid varbit xml
    """
)

OPERATORS = words(
    """
        !~* !~~ !~~* #- #> #>> %> && &< &> *= -> ->> -|- <% <-> <@ => ? ?& ?| @> @? @@ @@@ ^@ ||/| ~* ~<=~ ~>=~ ~~
        ~~*
    """
)

# reserved by Redshift and not by Postgres: no column and no table has such a name without quotes
RESERVED = words(
    """
    aes128 aes256 allowoverwrite az64 backup blanksasnull bytedict bzip2 credentials deflate defrag delta delta32k
    disable emptyasnull enable encrypt encryption explicit globaldict256 globaldict64k gzip identity ignore lun
    luns lzo lzop minus mostly16 mostly32 mostly8 offline open parallel partition percent permissions pivot raw
    readratio recover rejectlog resort respect restore snapshot system tag tdes text255 text32k top
    truncatecolumns unpivot wallet without
    """
)

STATEMENTS: dict[str, str] = {
    "savepoint": 'SQL command "SAVEPOINT" not supported.',
    "release": 'SQL command "RELEASE" not supported.',
    "listen": 'SQL command "LISTEN" not supported.',
    "notify": 'SQL command "NOTIFY" not supported.',
    "unlisten": 'SQL command "UNLISTEN" not supported.',
    "cluster": 'SQL command "CLUSTER" not supported.',
    "reindex": 'SQL command "REINDEX" not supported.',
    "checkpoint": 'SQL command "CHECKPOINT" not supported.',
    "load": 'SQL command "LOAD" not supported.',
    "discard": "",
    "security": "",
    "reassign": "",
    "import": "",
    "move": "",
    "do": "",
    "values": "",
    "table": "",
}
