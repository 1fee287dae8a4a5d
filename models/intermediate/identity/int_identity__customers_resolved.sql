with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

components as (

    select * from {{ ref('int_identity__components') }}

),

components_judged as (

    select * from {{ ref('int_identity__components_judged') }}

),

-- A component that the guard refuses falls apart into those of the next higher level of confidence, and at last into
-- single customers. Whoever is in one component is in the same one at every level below, so all of it falls together.
passed as (

    select
        components.customer_id,
        components.component_id,
        row_number() over (
            partition by components.customer_id
            order by components.confidence_level asc
        ) as level_rank

    from components
    inner join components_judged
        on
            components.confidence_level = components_judged.confidence_level
            and components.component_id = components_judged.component_id
    where components_judged.refusal_reason is null

),

grouped as (

    select
        customers.customer_id,
        coalesce(passed.component_id, customers.customer_id) as component_id

    from customers
    left join passed
        on
            customers.customer_id = passed.customer_id
            and passed.level_rank = 1

),

-- The first customer number of a person: numbers are given upwards and never change, so that C999 is before C1000.
founded as (

    select
        customer_id,
        first_value(customer_id) over (
            partition by component_id
            order by
                length(customer_id) asc,
                customer_id asc
            rows between unbounded preceding and unbounded following
        ) as founder_customer_id

    from grouped

),

final as (

    select
        customer_id,
        md5('person|' || founder_customer_id) as person_key,
        founder_customer_id

    from founded

)

select * from final
