{{ config(sort='landed_at') }}

with

deliveries as (

    {{
        union_sources('_deliveries', [
            'resource',
            'uri',
            'identity',
            'cursor_scope',
            'cursor_value',
            'fetched_count',
            'landed_count',
            'rejected_count',
            'new_columns',
            'landed_at',
            '_dlt_load_id',
        ])
    }}

),

final as (

    select
        source_name,
        resource as resource_name,
        uri as delivery_uri,
        {{ adapter.quote('identity') }} as delivery_identity,

        -- how far an incremental source has come
        cursor_scope,
        cursor_value,

        -- what became of the rows
        fetched_count,
        landed_count,
        rejected_count,
        {{ share_of('rejected_count', 'fetched_count') }} as rejected_share,
        new_columns,

        {{ to_utc_timestamp('landed_at') }} as landed_at,
        _dlt_load_id as load_id

    from deliveries

)

select * from final
