-- Everything after it reads the events of some devices from some time on.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['device_id', 'event_id'],
    dist='device_id',
    sort=['occurred_at', 'device_id'],
    indexes=postgres_indexes(['device_id', 'event_id'], [['device_id', 'occurred_at'], ['_load_number']]),
) }}

with

events as (

    select * from {{ ref('stg_events__events') }}

),

new_loads as (

    {{ new_loads(ref('int_events__loads_numbered')) }}

),

first_new_load as (

    select min(load_id) as load_id
    from new_loads

),

last_new_load as (

    select max(load_id) as load_id
    from new_loads

),

delivered as (

    select
        events.*,
        new_loads.load_number

    from events
    inner join new_loads
        on events._dlt_load_id = new_loads.load_id
    -- chooses nothing, but lets the engine pass over what is older
    where
        events._dlt_load_id >= (select first_new_load.load_id from first_new_load)
        and events._dlt_load_id <= (select last_new_load.load_id from last_new_load)

),

-- The stream delivers at least once. An event is known by its device and its number, so that nobody's event is lost to
-- a number that another device has used. Copies that contradict each other are told apart by what they say and not by
-- which one we saw first: the one that happened earliest stays, and of these the one that was landed first.
ranked as (

    select
        *,
        row_number() over (
            partition by device_id, event_id
            order by
                occurred_at,
                _dlt_load_id,
                _source_uri,
                _source_row
        ) as version_rank

    from delivered

),

-- what the table holds already; nothing, when it is built anew
known as (

    select
        device_id,
        event_id,
        occurred_at,
        _dlt_load_id

    {% if is_incremental() -%}
    from {{ this }}
    {%- else -%}
    from events
    where false
    {%- endif %}

),

first_versions as (

    select ranked.*
    from ranked
    left join known
        on
            ranked.device_id = known.device_id
            and ranked.event_id = known.event_id
    where
        ranked.version_rank = 1
        and (
            known.event_id is null
            or ranked.occurred_at < known.occurred_at
            or (ranked.occurred_at = known.occurred_at and ranked._dlt_load_id < known._dlt_load_id)
        )

),

final as (

    select
        event_id,
        event_type,
        event_name,
        schema_version,
        site_id,
        device_id,
        customer_id,
        page_url,
        referrer_url,
        product_offering_id,
        search_term,
        engaged_seconds,
        recommendation_id,
        properties,
        order_id,
        order_amount,
        utm_source,
        utm_medium,
        utm_campaign,
        ip_prefix,
        user_agent,
        occurred_at,
        sent_at,
        received_at,
        _dlt_load_id,
        load_number as _load_number

    from first_versions

)

select * from final
