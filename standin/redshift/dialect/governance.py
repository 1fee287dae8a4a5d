"""Row-level security, datashares, identity providers: who may see what, and with whom it is shared.

Row-level security works, on Postgres' own (`catalog/governance.sql`). A datashare or an identity provider is what it is
on the cluster that declares it: an entry in the catalogue. Of models, masking policies and external views there are
none, and DROP … IF EXISTS and SHOW say so; making one is refused by name elsewhere.

Sources: the SQL reference, CREATE RLS POLICY, ATTACH RLS POLICY, ALTER TABLE, ALTER DATASHARE, DESC DATASHARE, CREATE
IDENTITY PROVIDER, ANALYZE COMPRESSION.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.attributes import qualified
from standin.redshift.dialect.lexer import quote_literal, string_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.rewrite import Draft


def concerns(draft: Draft) -> bool:
    """Whether the statement is one of those that this module knows."""
    if (draft.kind, draft.word(1)) in _STATEMENTS:
        return True
    return draft.at(0, "alter", "table") and any(
        draft.at(at, "row", "level", "security") for at in range(3, len(draft.tokens) - 1)
    )


def rewrite(draft: Draft) -> None:
    """Handler of the statements that `concerns` finds."""
    if draft.at(0, "alter", "table"):
        _row_level_security(draft)
    else:
        _STATEMENTS[draft.kind, draft.word(1)](draft)


# row-level security


def _create_policy(draft: Draft) -> None:
    at = _expect(draft, 1, "rls", "policy")
    policy, at = _name(draft, at)
    columns = alias = "null"
    if draft.word(at) == "with":
        close = draft.close(at + 1)
        columns = quote_literal(draft.text(at + 2, close))
        at = close + 1
        at += draft.word(at) == "as"
        if draft.word(at) != "using":
            name, at = _name(draft, at)
            alias = quote_literal(name)
    predicate = _predicate(draft, at, alias)
    arguments = f"{quote_literal(policy)}, {columns}, {alias}, {quote_literal(predicate)}"
    draft.finish(f"call pg_catalog.rs_create_rls_policy({arguments})", "CREATE RLS POLICY")


def _alter_policy(draft: Draft) -> None:
    policy, at = _name(draft, _expect(draft, 1, "rls", "policy"))
    predicate = _predicate(draft, at, "null")
    draft.finish(
        f"call pg_catalog.rs_alter_rls_policy({quote_literal(policy)}, {quote_literal(predicate)})", "ALTER RLS POLICY"
    )


def _predicate(draft: Draft, at: int, alias: str) -> str:
    """The condition of USING as Postgres takes it; a policy of Postgres knows its table by no other name."""
    from standin.redshift.dialect.rewrite import fragment

    at = _expect(draft, at, "using")
    if draft.mark(at) != "(":
        draft.syntax_error(at)
    close = draft.close(at)
    _end(draft, close + 1)
    for place in reversed(range(at + 1, close)):
        if (
            quote_literal(draft.identifier(place) if draft.is_name(place) else "") == alias
            and draft.mark(place + 1) == "."
        ):
            draft.remove(place, place + 2)
            close -= 2
    return fragment(draft.text(at + 1, close), draft.context)


def _drop_policy(draft: Draft) -> None:
    at, absent = _if_exists(draft, _expect(draft, 1, "rls", "policy"))
    policy, at = _name(draft, at)
    cascades = draft.word(at) == "cascade"
    _end(draft, at + (draft.word(at) in ("cascade", "restrict")))
    draft.finish(
        f"call pg_catalog.rs_drop_rls_policy({quote_literal(policy)}, {absent}, {str(cascades).lower()})",
        "DROP RLS POLICY",
    )


def _attach_policy(draft: Draft) -> None:
    policy, at = _name(draft, _expect(draft, 1, "rls", "policy"))
    at = _expect(draft, at, "on")
    at += draft.word(at) == "table"
    tables: list[str] = []
    while True:
        parts, at = draft.name(at)
        if not parts:
            draft.syntax_error(at)
        tables.append(qualified(parts[-2:]))
        if draft.mark(at) != ",":
            break
        at += 1
    at = _expect(draft, at, "to" if draft.kind == "attach" else "from")
    grantees: list[str] = []
    while True:
        at += draft.word(at) == "role"
        grantee, at = _name(draft, at)
        grantees.append(quote_literal(grantee))
        if draft.mark(at) != ",":
            break
        at += 1
    _end(draft, at)
    listed = f"array[{', '.join(grantees)}]"
    calls = (
        f"call pg_catalog.rs_{draft.kind}_rls_policy({quote_literal(policy)}, {quote_literal(table)}, {listed})"
        for table in tables
    )
    body = "; ".join(calls)
    draft.finish(
        body if len(tables) == 1 else f"do {quote_literal(f'begin {body}; end')}", f"{draft.kind.upper()} RLS POLICY"
    )


def _row_level_security(draft: Draft) -> None:
    """`ALTER TABLE t ROW LEVEL SECURITY ON`: the owner too sees only what a policy shows, superusers see all."""
    parts, at = draft.name(2)
    switch = draft.word(at + 3)
    if not parts or not draft.at(at, "row", "level", "security") or switch not in ("on", "off"):
        draft.syntax_error(at)
    if draft.word(at + 4) in ("conjunction", "for"):
        draft.unsupported(f"ROW LEVEL SECURITY … {draft.word(at + 4).upper()}", at + 4)
    _end(draft, at + 4)
    table = qualified(parts[-2:])
    if switch == "on":
        draft.finish(f"alter table {table} enable row level security, force row level security", "ALTER TABLE")
    else:
        draft.finish(f"alter table {table} disable row level security, no force row level security", "ALTER TABLE")


def _show_policies(draft: Draft) -> None:
    at = _expect(draft, 2, "policies")
    condition = "false" if draft.word(1) == "masking" else "true"
    if draft.word(at) == "on":
        at += 1 + (draft.word(at + 1) in ("table", "view"))
        parts, at = draft.name(at)
        if not parts:
            draft.syntax_error(at)
        condition += f" and relation_name = {quote_literal(parts[-1])}"
    _end(draft, at)
    _rows(draft, f"rs_show_policies() where {condition}")


# datashares


def _create_datashare(draft: Draft) -> None:
    share, at = _name(draft, 2)
    public = "false"
    at += draft.word(at) == "set"
    if draft.word(at) == "publicaccessible":
        public, at = _boolean(draft, at + 1)
    if draft.word(at) == "managedby":
        draft.unsupported("MANAGEDBY of a datashare", at)
    _end(draft, at)
    draft.finish(f"call pg_catalog.rs_create_datashare({quote_literal(share)}, {public})", "CREATE DATASHARE")


def _alter_datashare(draft: Draft) -> None:
    share, at = _name(draft, 2)
    name = quote_literal(share)
    if draft.at(at, "set", "publicaccessible"):
        public, at = _boolean(draft, at + 2)
        _end(draft, at)
        draft.finish(f"call pg_catalog.rs_set_datashare({name}, {public})", "ALTER DATASHARE")
        return
    if draft.word(at) not in ("add", "remove"):
        draft.unsupported(f"ALTER DATASHARE … {draft.word(at).upper()}", at)
    added = str(draft.word(at) == "add").lower()
    kind = draft.word(at + 1)
    at += 2
    if kind == "all":
        if draft.word(at) != "tables":
            draft.unsupported("ALTER DATASHARE of functions", at)
        kind, at = "all tables", _expect(draft, at, "tables", "in", "schema")
    elif kind not in ("table", "schema"):
        draft.unsupported(f"ALTER DATASHARE of a {kind}", at - 1)
    objects: list[str] = []
    while True:
        parts, at = draft.name(at)
        if not parts:
            draft.syntax_error(at)
        objects.append(quote_literal(".".join(parts[-2:]) if kind == "table" else parts[-1]))
        if draft.mark(at) != ",":
            break
        at += 1
    _end(draft, at)
    draft.finish(
        f"call pg_catalog.rs_fill_datashare({name}, {added}, {quote_literal(kind)}, array[{', '.join(objects)}])",
        "ALTER DATASHARE",
    )


def _drop_datashare(draft: Draft) -> None:
    share, at = _name(draft, 2)
    _end(draft, at)
    draft.finish(f"call pg_catalog.rs_drop_datashare({quote_literal(share)})", "DROP DATASHARE")


def _desc_datashare(draft: Draft) -> None:
    share, at = _name(draft, 2)
    if draft.word(at) == "of":
        draft.unsupported("DESC DATASHARE of another cluster", at)
    _end(draft, at)
    _rows(draft, f"rs_desc_datashare({quote_literal(share)})")


def _show_datashares(draft: Draft) -> None:
    condition = ""
    at = 2
    if draft.word(at) == "like":
        condition = f" where share_name like {draft.text(at + 1, at + 2)}"
        at += 2
    _end(draft, at)
    _rows(draft, f"svv_datashares{condition}")


# identity providers


def _create_provider(draft: Draft) -> None:
    name, at = _name(draft, _expect(draft, 1, "identity", "provider"))
    at = _expect(draft, at, "type")
    kind, at = _name(draft, at)
    values = _strings(draft, at, {"namespace", "parameters"})
    draft.finish(
        f"call pg_catalog.rs_create_identity_provider({quote_literal(name)}, {quote_literal(kind)}, "
        f"{values.get('namespace', 'null')}, {values.get('parameters', 'null')})",
        "CREATE IDENTITY PROVIDER",
    )


def _alter_provider(draft: Draft) -> None:
    name, at = _name(draft, _expect(draft, 1, "identity", "provider"))
    enabled = {"enable": "true", "disable": "false"}.get(draft.word(at), "null")
    values = {} if enabled != "null" else _strings(draft, at, {"namespace", "parameters"})
    if enabled != "null":
        _end(draft, at + 1)
    draft.finish(
        f"call pg_catalog.rs_alter_identity_provider({quote_literal(name)}, {values.get('namespace', 'null')}, "
        f"{values.get('parameters', 'null')}, {enabled})",
        "ALTER IDENTITY PROVIDER",
    )


def _drop_provider(draft: Draft) -> None:
    name, at = _name(draft, _expect(draft, 1, "identity", "provider"))
    _end(draft, at + (draft.word(at) == "cascade"))
    draft.finish(f"call pg_catalog.rs_drop_identity_provider({quote_literal(name)})", "DROP IDENTITY PROVIDER")


def _desc_provider(draft: Draft) -> None:
    name, at = _name(draft, _expect(draft, 1, "identity", "provider"))
    _end(draft, at)
    _rows(draft, f"rs_desc_identity_provider({quote_literal(name)})")


# what there is none of


def _drop_absent(draft: Draft) -> None:
    """DROP of something that cannot be made here: nothing to do with IF EXISTS, an error without."""
    if draft.word(1) == "external" and draft.word(2) != "view":
        draft.unsupported(f"DROP EXTERNAL {draft.word(2).upper()}", 1)
    kind = {"model": "Model", "masking": "Masking policy", "external": "External view"}[draft.word(1)]
    at, absent = _if_exists(draft, 2 if kind == "Model" else _expect(draft, 2, kind.split()[1].lower()))
    parts, at = draft.name(at)
    if not parts:
        draft.syntax_error(at)
    _end(draft, at + (draft.word(at) in ("cascade", "restrict")))
    draft.finish(
        f"call pg_catalog.rs_absent({quote_literal(kind)}, {quote_literal('.'.join(parts))}, {absent})",
        f"DROP {kind.upper()}",
    )


def _show_model(draft: Draft) -> None:
    if draft.word(2) != "all":
        draft.unsupported("SHOW MODEL (machine learning models)", 1)
    _end(draft, 3)
    draft.finish(
        'select schema_name as "Schema Name", model_name as "Model Name" from pg_catalog.svv_ml_model_info', "SHOW"
    )


def _masking(draft: Draft) -> None:
    draft.unsupported(f"{draft.kind.upper()} MASKING POLICY", 1)


def _analyze_compression(draft: Draft) -> None:
    parts, at = draft.name(2)
    if not parts:
        draft.unsupported("ANALYZE COMPRESSION of a whole database", 1)
    if draft.mark(at) == "(":
        at = draft.close(at) + 1
    if draft.word(at) == "comprows":
        at += 2
    _end(draft, at)
    _rows(draft, f"rs_analyze_compression({quote_literal(qualified(parts[-2:]))})", "ANALYZE COMPRESSION")


# writing and reading


def _rows(draft: Draft, source: str, tag: str = "SHOW") -> None:
    """Answer with rows of the catalogue; whatever the client wrote stands in `source` as a literal."""
    draft.finish(f"select * from pg_catalog.{source}", tag)  # noqa: S608 - see above


def _expect(draft: Draft, at: int, *words: str) -> int:
    for word in words:
        if draft.word(at) != word:
            draft.syntax_error(at)
        at += 1
    return at


def _end(draft: Draft, at: int) -> None:
    if draft.kind_at(at) != "end":
        draft.syntax_error(at)


def _name(draft: Draft, at: int) -> tuple[str, int]:
    if not draft.is_name(at):
        draft.syntax_error(at)
    return draft.identifier(at), at + 1


def _if_exists(draft: Draft, at: int) -> tuple[int, str]:
    return (at + 2, "true") if draft.at(at, "if", "exists") else (at, "false")


def _boolean(draft: Draft, at: int) -> tuple[str, int]:
    at += draft.mark(at) == "="
    if draft.word(at) not in ("true", "false"):
        draft.syntax_error(at)
    return draft.word(at), at + 1


def _strings(draft: Draft, at: int, names: set[str]) -> dict[str, str]:
    """`NAME 'value' …` to the statement's end, as literals."""
    values: dict[str, str] = {}
    while draft.kind_at(at) != "end":
        name = draft.word(at)
        if name not in names or draft.kind_at(at + 1) != "string":
            draft.unsupported(f"the option {name.upper()}", at)
        values[name] = quote_literal(string_value(draft.tokens[at + 1]))
        at += 2
    return values


_STATEMENTS: dict[tuple[str, str], Callable[[Draft], None]] = {
    ("create", "rls"): _create_policy,
    ("alter", "rls"): _alter_policy,
    ("drop", "rls"): _drop_policy,
    ("attach", "rls"): _attach_policy,
    ("detach", "rls"): _attach_policy,
    ("show", "rls"): _show_policies,
    ("create", "datashare"): _create_datashare,
    ("alter", "datashare"): _alter_datashare,
    ("drop", "datashare"): _drop_datashare,
    ("desc", "datashare"): _desc_datashare,
    ("show", "datashares"): _show_datashares,
    ("create", "identity"): _create_provider,
    ("alter", "identity"): _alter_provider,
    ("drop", "identity"): _drop_provider,
    ("desc", "identity"): _desc_provider,
    ("drop", "model"): _drop_absent,
    ("drop", "masking"): _drop_absent,
    ("drop", "external"): _drop_absent,
    ("show", "model"): _show_model,
    ("show", "masking"): _show_policies,
    ("attach", "masking"): _masking,
    ("detach", "masking"): _masking,
    ("analyze", "compression"): _analyze_compression,
}
