-- What is let through becomes SQL: a condition that reads wrongly would put the wrong people into a segment, and one
-- that is no condition would run as whatever it is. A table of conditions, and what is made of each, or why not.
{%- set none_direct = {'meta': {'pii': 'none'}} %}
{%- set columns = {
    'amount': {'data_type': 'numeric(18,4)', 'config': none_direct},
    'balance': {'data_type': 'numeric(18,4)', 'config': none_direct},
    'score': {'data_type': 'smallint', 'config': none_direct},
    'status': {'data_type': 'varchar(16)', 'config': none_direct},
    'since_on': {'data_type': 'date', 'config': none_direct},
    'as_of_on': {'data_type': 'date', 'config': none_direct},
    'answered_at': {'data_type': 'timestamp', 'config': none_direct},
    'is_overdue': {'data_type': 'boolean', 'config': none_direct},
    'family_name': {'data_type': 'varchar(256)', 'config': {'meta': {'pii': 'direct'}}},
} %}
{%- set cases = [
    ("amount >= 60", "amount >= 60", none),
    ("AMOUNT>=60 And Not is_overdue", "amount >= 60 and not is_overdue", none),
    ("(answered_at is null or answered_at < as_of_on - 90) and status in ('a', 'b')", "( answered_at is null or answered_at < as_of_on - 90 ) and status in ( 'a' , 'b' )", none),
    ("as_of_on - since_on between 30 and 2 * (40 - 10) and balance > -5.5", "as_of_on - since_on between 30 and 2 * ( 40 - 10 ) and balance > - 5.5", none),
    ("since_on not between date '2026-02-01' and as_of_on", "since_on not between date '2026-02-01' and as_of_on", none),
    ("coalesce(score, 10) <= 6 and status not like 'x%'", "coalesce ( score , 10 ) <= 6 and status not like 'x%'", none),
    ("status = 'it''s; -- /* select' and score is not null", "status = 'it''s; -- /* select' and score is not null", none),
    ("is_overdue", "is_overdue", none),
    ("", none, "is no condition"),
    ("amount", none, "is no condition"),
    ("amount >", none, "is no condition"),
    ("amount > 60 and", none, "is no condition"),
    ("amount > > 60", none, "is no condition"),
    ("(amount > 60", none, "is no condition"),
    ("amount > 60) or (true", none, "is no condition"),
    ("amount > 60 is_overdue", none, "is no condition"),
    ("amount = 'sixty'", none, "is no condition"),
    ("status > 3", none, "is no condition"),
    ("since_on - amount > as_of_on", none, "is no condition"),
    ("since_on - 1.5 > as_of_on", none, "is no condition"),
    ("since_on > '2026-01-01'", none, "is no condition"),
    ("is_overdue = amount > 60", none, "is no condition"),
    ("status in ()", none, "is no condition"),
    ("score in (1, 'a')", none, "is no condition"),
    ("coalesce(score) < 3", none, "is no condition"),
    ("amount > 60; drop table customers", none, "has a ;"),
    ("amount > 60 -- or true", none, "has a --"),
    ("amount > /* no */ 60", none, "has a /"),
    ("amount > 60 or status = 'a", none, "has a \'"),
    ("status = 'a\\' or amount > 60 or status = ' or true'", none, "has a \'"),
    ("status = {x}", none, "has a {"),
    ("amount > (select 60)", none, "says select"),
    ("amount > 60 union all select amount", none, "says union"),
    ("pg_sleep(10) is null", none, "says pg_sleep"),
    ("turnover > 60", none, "says turnover"),
    ("\"amount\" > 60", none, "has a \""),
    ("family_name like 'A%'", none, "reads family_name"),
] %}

with

judged as (

    select
        'a condition' as sql_condition,
        'what was made of it' as made_of_it

    where false
    {% for sql_condition, sql, fault in cases if execute %}
    {%- set parsed = parse_condition(sql_condition, columns) %}
    {%- if (sql and (parsed.fault or parsed.sql != sql)) or (fault and not parsed.fault.startswith(fault)) %}
    union all
    select
        {{ dbt.string_literal(dbt.escape_single_quotes(sql_condition)) }} as sql_condition,
        {{ dbt.string_literal(dbt.escape_single_quotes(parsed.fault or parsed.sql)) }} as made_of_it
    {% endif %}
    {%- endfor %}

)

select
    sql_condition,
    made_of_it

from judged
