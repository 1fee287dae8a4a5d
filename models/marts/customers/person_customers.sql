-- Looked up by customer, joined to dim_persons by person.
{{ config(dist='customer_id', sort='person_key') }}

with

resolved as (

    select * from {{ ref('int_identity__customers_resolved') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

links as (

    select * from {{ ref('int_identity__links_judged') }}
    where refusal_reason is null

),

links_of_both as (

    select
        left_customer_id as customer_id,
        right_customer_id as other_customer_id,
        rule_id,
        confidence

    from links
    union all
    select
        right_customer_id as customer_id,
        left_customer_id as other_customer_id,
        rule_id,
        confidence

    from links

),

-- What ties a customer to the others of the person: the best of the links that lead to them.
ties as (

    select
        links_of_both.customer_id,
        links_of_both.rule_id,
        links_of_both.confidence,
        row_number() over (
            partition by links_of_both.customer_id
            order by
                links_of_both.confidence desc,
                links_of_both.rule_id asc
        ) as tie_rank

    from links_of_both
    inner join resolved
        on links_of_both.customer_id = resolved.customer_id
    inner join resolved as other_customers
        on
            links_of_both.other_customer_id = other_customers.customer_id
            and resolved.person_key = other_customers.person_key

),

-- Whom to show for the person: active before ended, then the oldest customership.
ranked as (

    select
        resolved.customer_id,
        resolved.person_key,
        row_number() over (
            partition by resolved.person_key
            order by
                case when customers.customer_status = 'active' then 0 else 1 end asc,
                customers.customer_since_on asc,
                length(customers.customer_id) asc,
                customers.customer_id asc
        ) as primary_rank

    from resolved
    inner join customers
        on resolved.customer_id = customers.customer_id

),

final as (

    select
        ranked.customer_id,
        ranked.person_key,
        ranked.primary_rank = 1 as is_primary,
        ties.rule_id,
        -- a customer who is nobody else is so for sure
        cast(coalesce(ties.confidence, 1) as numeric(5, 4)) as confidence

    from ranked
    left join ties
        on
            ranked.customer_id = ties.customer_id
            and ties.tie_rank = 1

)

select * from final
