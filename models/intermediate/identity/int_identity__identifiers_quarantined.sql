with

identifiers as (

    select * from {{ ref('int_identity__identifiers') }}

),

-- The address of a reception, the telephone of a firm, the computer of a shop: everybody's, so it says nothing of
-- anybody. Every holder counts, at whatever time: this also keeps the pairs of holders few.
final as (

    select
        identifier_kind,
        identifier,
        count(distinct customer_id) as customer_count

    from identifiers
    group by
        identifier_kind,
        identifier
    having count(distinct customer_id) > {{ var('identity_max_customers_per_identifier') }}

)

select * from final
