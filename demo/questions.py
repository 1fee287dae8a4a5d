"""Questions worth asking the warehouse, to show what it is for."""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """A question in words and in SQL."""

    words: str
    sql: str


QUESTIONS = (
    Question(
        "Who owes us most, and have we heard from them?",
        """
select
    customer_id,
    given_name || ' ' || family_name as name,
    overdue_amount,
    last_contact_channel || ', ' || last_contact_reason as last_contact,
    open_ticket_count
from marts.customer_view
where is_overdue
order by overdue_amount desc, customer_id
limit 5
""",
    ),
    Question(
        "How many active customers may we write to, and what are they worth a month?",
        """
select
    case when has_consented_marketing_email then 'yes' else 'no' end as may_be_emailed,
    count(*) as customers,
    round(sum(recurring_amount), 2) as recurring_amount,
    round(avg(last_30_days_data_bytes) / 1e9, 1) as gigabytes_each
from marts.customer_view
where customer_status = 'active'
group by has_consented_marketing_email
order by may_be_emailed desc
""",
    ),
    Question(
        "Which campaigns bring visits that end in an order?",
        """
select
    coalesce(utm_campaign, 'no campaign') as campaign,
    count(*) as sessions,
    sum(case when has_order then 1 else 0 end) as orders,
    round(100.0 * avg(case when has_order then 1 else 0 end), 1) as order_percent
from marts.fct_web_sessions
group by utm_campaign
order by orders desc, sessions desc, campaign
limit 5
""",
    ),
)
