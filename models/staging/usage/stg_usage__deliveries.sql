with

deliveries as (

    select * from {{ source('usage', '_deliveries') }}

),

final as (

    select
        resource as resource_name,
        uri as delivery_uri,
        _dlt_load_id

    from deliveries

)

select * from final
