"""`dbt.*` for the linter, which runs without dbt: the macros that our SQL calls, in the words of Redshift."""


def listagg(measure: str, delimiter_text: str, order_by_clause: str) -> str:
    """One text of many."""
    return f"listagg({measure}, {delimiter_text}) within group ({order_by_clause})"


def dateadd(datepart: str, interval: int, from_date_or_timestamp: str) -> str:
    """A time moved."""
    return f"dateadd({datepart}, {interval}, {from_date_or_timestamp})"


def string_literal(value: str) -> str:
    """A text in quotes."""
    return f"'{value}'"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    """How many borders of days, hours and so on lie between two times."""
    return f"datediff({datepart}, {first_date}, {second_date})"


def is_incremental() -> bool:
    """The longer of an incremental model's two statements is linted."""
    return True
