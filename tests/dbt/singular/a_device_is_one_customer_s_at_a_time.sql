-- A visit is joined to whoever's time it falls into: where two times overlap it would be there twice, once for each.
with

reaches as (

    select
        device_id,
        customer_id,
        valid_from_at,
        valid_to_at,
        lead(valid_from_at) over (
            partition by device_id
            order by
                valid_from_at,
                valid_to_at
        ) as next_valid_from_at

    from {{ ref('int_devices__stitched_to_customers') }}

)

select *
from reaches
where
    valid_from_at >= valid_to_at
    or next_valid_from_at < valid_to_at
