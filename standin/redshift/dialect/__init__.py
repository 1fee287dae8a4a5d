"""Redshift's SQL as Postgres takes it: `rewrite` turns what a client sent into statements for the backend."""

from __future__ import annotations

from standin.redshift.dialect.rewrite import rewrite
from standin.redshift.dialect.statement import ColumnsNeeded, Context, DialectError, Statement

__all__ = ["ColumnsNeeded", "Context", "DialectError", "Statement", "rewrite"]
