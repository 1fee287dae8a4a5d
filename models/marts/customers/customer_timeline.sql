-- Read one customer at a time, newest first.
{{ config(dist='customer_id', sort=['customer_id', 'happened_at']) }}

with

entries as (

    select * from {{ ref('int_timeline__customership') }}
    union all
    select * from {{ ref('int_timeline__products') }}
    union all
    select * from {{ ref('int_timeline__billing') }}
    union all
    select * from {{ ref('int_timeline__care') }}
    union all
    select * from {{ ref('int_timeline__web') }}

),

final as (

    select
        {{ hash_key("customer_id || '|' || entry_type || '|' || entity_id", 'happened_at') }} as timeline_key,
        customer_id,
        happened_at,
        cast(entry_type as varchar(32)) as entry_type,
        -- texts of other systems may be long: an agent reads a line
        cast(left(entry_text, 120) as varchar(512)) as entry_text,
        cast(entry_amount as numeric(18, 4)) as entry_amount,
        entity_id

    from entries

)

select * from final
