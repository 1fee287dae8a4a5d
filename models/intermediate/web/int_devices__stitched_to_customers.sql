{%- set reach = var('web_stitching_days') | int -%}
{#- A login changes what the one before it reaches; that of one customer too many, what everybody's does. -#}
{%- set rebuilt_days = 2 * reach + 1 -%}
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_devices',
    unique_key=['session_key', 'customer_id'],
    meta={'rebuilt_days': rebuilt_days, 'rebuilt_by': 'logged_in_at'},
    dist='device_id',
    sort='logged_in_at',
    indexes=postgres_indexes(['session_key', 'customer_id'], [['device_id', 'valid_from_at'], ['_load_number']]),
) }}

with

logins as (

    {{ rows_of_touched_devices(
        ref('int_web_sessions__logins_counted'),
        ['session_key', 'customer_id', 'device_id', 'logged_in_at', '_load_number'],
        'logged_in_at',
        rebuilt_days,
        read_days=rebuilt_days + 2 * reach,
    ) }}

),

linked_devices as (

    select * from {{ ref('int_devices__linked_to_customers') }}

),

neighbours as (

    select
        *,
        lag(logged_in_at) over (
            partition by device_id
            order by
                logged_in_at,
                customer_id,
                session_key
        ) as previous_logged_in_at,
        lead(logged_in_at) over (
            partition by device_id
            order by
                logged_in_at,
                customer_id,
                session_key
        ) as next_logged_in_at

    from logins

),

-- Over-merge guard. The device of a library or a shop is nobody's, from shortly before it is found to be one.
shared as (

    select
        device_id,
        {{ dbt.dateadd('day', -reach, 'first_seen_at') | trim }} as shared_from_at

    from linked_devices
    where customer_number = {{ (var('web_device_customers') | int) + 1 }}

),

-- A login reaches as far as the next one, or as many days as are declared. Back it reaches as many days too, but not
-- into what the login before it reaches: who was there last counts more than who comes next.
reaches as (

    select
        neighbours.session_key,
        neighbours.customer_id,
        neighbours.device_id,
        neighbours.logged_in_at,
        neighbours.rebuilt_from_at,
        shared.shared_from_at,
        case
            when neighbours.previous_logged_in_at is null
                then {{ dbt.dateadd('day', -reach, 'neighbours.logged_in_at') | trim }}
            else greatest(
                {{ dbt.dateadd('day', -reach, 'neighbours.logged_in_at') | trim }},
                least(
                    {{ dbt.dateadd('day', reach, 'neighbours.previous_logged_in_at') | trim }},
                    neighbours.logged_in_at
                )
            )
        end as reaches_from_at,
        case
            when neighbours.next_logged_in_at is null
                then {{ dbt.dateadd('day', reach, 'neighbours.logged_in_at') | trim }}
            else least(
                {{ dbt.dateadd('day', reach, 'neighbours.logged_in_at') | trim }},
                neighbours.next_logged_in_at
            )
        end as reaches_to_at,
        neighbours._load_number

    from neighbours
    left join shared
        on neighbours.device_id = shared.device_id

),

final as (

    select
        session_key,
        customer_id,
        device_id,
        logged_in_at,
        reaches_from_at as valid_from_at,
        case
            when shared_from_at < reaches_to_at then shared_from_at
            else reaches_to_at
        end as valid_to_at,
        _load_number

    from reaches
    where
        logged_in_at >= rebuilt_from_at
        and reaches_from_at < reaches_to_at
        and (shared_from_at is null or reaches_from_at < shared_from_at)

)

select * from final
