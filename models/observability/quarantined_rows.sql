{{ config(sort='rejected_at') }}

with

quarantine as (

    {{
        union_sources('_quarantine', [
            'quarantine_id',
            'resource',
            'rule',
            'reason',
            'payload',
            'rejected_at',
            '_source_uri',
            '_source_row',
            '_dlt_load_id',
        ])
    }}

),

final as (

    select
        quarantine_id,
        source_name,
        resource as resource_name,

        -- why
        rule as rule_name,
        reason,

        -- what, and from where
        payload,
        _source_uri as source_uri,
        _source_row as source_row,

        {{ to_utc_timestamp('rejected_at') }} as rejected_at,
        _dlt_load_id as load_id

    from quarantine

)

select * from final
