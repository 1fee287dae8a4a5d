"""`modules.*` for the linter, which runs without dbt: what our macros use of it."""

import re

__all__ = ["re"]
