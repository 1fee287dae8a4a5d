with

loads as (

    select * from {{ source('usage', '_dlt_loads') }}

),

final as (

    select
        load_id,
        status as load_status,
        {{ to_utc_timestamp('inserted_at') }} as finished_at

    from loads

)

select * from final
