-- A view: nothing is built on it, it is read when somebody asks why a visit is taken to be a customer's.
{{ config(materialized='view') }}

with

reaches as (

    select * from {{ ref('int_devices__stitched_to_customers') }}

),

preceded as (

    select
        *,
        lag(customer_id) over (
            partition by device_id
            order by valid_from_at
        ) as previous_customer_id,
        lag(valid_to_at) over (
            partition by device_id
            order by valid_from_at
        ) as previous_valid_to_at

    from reaches

),

-- logins of the same customer that follow each other without a gap are one period
numbered as (

    select
        *,
        sum(
            case when customer_id = previous_customer_id and valid_from_at = previous_valid_to_at then 0 else 1 end
        ) over (
            partition by device_id
            order by valid_from_at
            rows between unbounded preceding and current row
        ) as period_number

    from preceded

),

final as (

    select
        device_id,
        customer_id,
        min(valid_from_at) as valid_from_at,
        max(valid_to_at) as valid_to_at,
        count(*) as login_count

    from numbered
    group by
        device_id,
        customer_id,
        period_number

)

select * from final
