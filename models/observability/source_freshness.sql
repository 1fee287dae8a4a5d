with

deliveries as (

    select * from {{ ref('ingestion_deliveries') }}

),

spaced as (

    select
        *,
        lag(landed_at) over (
            partition by source_name, resource_name
            order by landed_at
        ) as previous_landed_at

    from deliveries

),

final as (

    select
        source_name,
        resource_name,
        count(*) as delivery_count,
        cast(sum(landed_count) as bigint) as landed_count,
        cast(sum(rejected_count) as bigint) as rejected_count,
        min(landed_at) as first_landed_at,
        max(landed_at) as last_landed_at,
        -- the longest silence so far: what a reader may have to expect
        max({{ seconds_between('previous_landed_at', 'landed_at') }}) as longest_gap_seconds

    from spaced
    group by
        source_name,
        resource_name

)

select * from final
