"""Identifiers: folding of quoted ones, words that only Postgres reserves, and names longer than Postgres can hold.

Redshift folds quoted identifiers like all others unless `enable_case_sensitive_identifier` is on, takes 127 bytes of a
name and cuts what is longer. Postgres takes 63: a longer name gets a short one that is made from it, the same
everywhere, and `long` finds the way back for what this process has seen; databases keep the pairs of their own
relations and columns (`catalog/long_names.sql`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from standin.redshift.dialect.lexer import fold, quote_name

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

REDSHIFT_BYTES = 127
POSTGRES_BYTES = 63
_KEPT_BYTES = 46
# reserved by Postgres, plain names in Redshift when they are no call and no subscript follows
_ONLY_POSTGRES = frozenset(
    {"array", "asymmetric", "collation", "concurrently", "symmetric", "variadic", "window", "lateral"}
)

_LONG: dict[str, str] = {}


def rewrite(draft: Draft) -> None:
    """Pass: identifiers as Postgres takes them."""
    sensitive = draft.context.case_sensitive
    for at, token in enumerate(draft.tokens):
        if token.kind == "quoted":
            text = token.text
            if not sensitive and not text.islower():
                text = fold(text)
            if len(text) > _LONGEST_SURE and len(text.encode()) > POSTGRES_BYTES + 2:
                text = quote_name(short(text[1:-1].replace('""', '"'), draft))
            token.text = text
        elif token.kind == "word":
            if not token.before and at and draft.tokens[at - 1].kind == "number":
                # `4WHEN`, as redshift_connector writes it, is two tokens to Redshift
                token.before = " "
            if len(token.text) > _LONGEST_SURE and len(token.text.encode()) > POSTGRES_BYTES:
                token.text = quote_name(short(token.word, draft))
                token.kind, token.word = "quoted", ""
            elif (token.word in _ONLY_POSTGRES and _is_plain(draft, at)) or token.text[0] == "#":
                token.text = quote_name(token.word)
                token.kind, token.word = "quoted", ""


# so many characters can be more bytes than Postgres holds
_LONGEST_SURE = POSTGRES_BYTES // 4


def short(name: str, draft: Draft | None = None) -> str:
    """The name under which Postgres knows a name; itself if it is short enough."""
    kept = _cut(name, REDSHIFT_BYTES)
    if len(kept.encode()) <= POSTGRES_BYTES:
        return kept
    digest = hashlib.sha256(kept.encode()).hexdigest()[:16]
    made = f"{_cut(kept, _KEPT_BYTES)}_{digest}"
    _LONG[made] = kept
    if draft is not None:
        draft.long_names[made] = kept
    return made


def long(name: str) -> str:
    """The client's name for a name of Postgres'; itself for any that is no short one."""
    return _LONG.get(name, name)


def restored(text: bytes) -> bytes:
    """A message's text or a RowDescription's body with the client's names; the same object if it holds no short one."""
    if not _LONG or _SHORT.search(text) is None:
        return text
    return _SHORT.sub(lambda found: long(found[0].decode(errors="replace")).encode(), text)


def may_be_short(text: bytes) -> bool:
    """Whether a text holds what looks like a short name, whoever made it."""
    return _SHORT.search(text) is not None


# what `short` makes
_SHORT = re.compile(rb'[^\0"]{43,46}_[0-9a-f]{16}(?![0-9a-f])')


def _cut(name: str, size: int) -> str:
    """What of a name fits into so many bytes, whole characters."""
    return name.encode()[:size].decode(errors="ignore")


def _is_plain(draft: Draft, at: int) -> bool:
    before = draft.word(at - 1) in ("as", "select", "by", "and", "or", "where", "on")
    return draft.mark(at + 1) not in ("(", "[") and (before or draft.mark(at - 1) in (",", ".", "("))
