{%- set lowest_confidence = var('identity_confidence_levels') | min -%}

with

links as (

    select * from {{ ref('int_identity__links') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

-- Two customers are as surely one person as the best rule that links them says. Rules do not add up: a family
-- shares its address, its telephone and its computer all at once.
ranked as (

    select
        *,
        count(*) over (partition by left_customer_id, right_customer_id) as rule_count,
        row_number() over (
            partition by left_customer_id, right_customer_id
            order by
                confidence desc,
                rule_id asc
        ) as link_rank

    from links

),

final as (

    select
        ranked.left_customer_id,
        ranked.right_customer_id,
        ranked.rule_id,
        ranked.confidence,
        ranked.rule_count,
        ranked.valid_from_at,
        ranked.valid_to_at,
        case
            when ranked.confidence < {{ lowest_confidence }} then 'below_confidence'
            when lefts.born_on <> rights.born_on then 'conflicting_birth_dates'
        end as refusal_reason

    from ranked
    inner join customers as lefts
        on ranked.left_customer_id = lefts.customer_id
    inner join customers as rights
        on ranked.right_customer_id = rights.customer_id
    where ranked.link_rank = 1

)

select * from final
