"""`adapter.*` for the linter, which runs without dbt: Redshift's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jinja2

if TYPE_CHECKING:
    from collections.abc import Callable


def dispatch(macro_name: str) -> Callable[..., Any]:
    """The macro's `redshift__` twin."""

    @jinja2.pass_context
    def call(context: jinja2.runtime.Context, *args: object) -> Any:
        return context[f"redshift__{macro_name}"](*args)

    return call


def quote(identifier: str) -> str:
    """A name in quotes."""
    return f'"{identifier}"'
