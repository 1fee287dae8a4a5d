with

web_sessions as (

    select * from {{ ref('int_web_sessions__consented') }}

),

interest_weights as (

    select * from {{ ref('interest_weights') }}

),

weights as (

    select
        {{ dbt.listagg("event_type || ' ' || cast(interest_weight as varchar(16))", "', '", 'order by event_type') }}
            as listed_weights

    from interest_weights

),

-- A visit has gained an event when it has a newer load, and lost one when it has fewer; its key is its beginning.
summed as (

    select
        customer_id,
        as_of_on,
        count(*) as session_count,
        sum(event_count) as event_count,
        max(_load_number) as _load_number,
        sum({{ hash_as_number('session_key') }}) as session_key_sum

    from web_sessions
    group by
        customer_id,
        as_of_on

),

final as (

    select
        summed.customer_id,
        summed.as_of_on,
        md5(
            to_char(summed.as_of_on, 'YYYY-MM-DD')
            || '|{{ var('interest_window_days') | int }}|{{ var('interest_half_life_days') | int }}|'
            || weights.listed_weights
            || '|' || cast(summed.session_count as varchar(40))
            || '|' || cast(summed.event_count as varchar(40))
            || '|' || cast(summed._load_number as varchar(40))
            || '|' || cast(summed.session_key_sum as varchar(40))
        ) as interest_fingerprint

    from summed
    cross join weights

)

select * from final
