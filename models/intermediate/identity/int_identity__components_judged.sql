with

components as (

    select * from {{ ref('int_identity__components') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

counted as (

    select
        components.confidence_level,
        components.component_id,
        count(*) as customer_count,
        -- not known is no conflict
        count(distinct customers.born_on) as birth_date_count

    from components
    inner join customers
        on components.customer_id = customers.customer_id
    group by
        components.confidence_level,
        components.component_id

),

-- No two of them need to conflict directly: A and C may be linked through B, whose birth date nobody knows.
final as (

    select
        confidence_level,
        component_id,
        customer_count,
        birth_date_count,
        case
            when birth_date_count > 1 then 'person_with_conflicting_birth_dates'
            when customer_count > {{ var('identity_max_customers_per_person') }} then 'person_of_too_many_customers'
        end as refusal_reason

    from counted

)

select * from final
