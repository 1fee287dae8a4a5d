-- Few rows, read by day.
{{ config(dist='even', sort='changed_at') }}

with

versions as (

    select * from {{ ref('person_customers_snapshot') }}

),

followed as (

    select
        customer_id,
        person_key,
        lag(person_key) over (
            partition by customer_id
            order by dbt_valid_from
        ) as previous_person_key,
        dbt_valid_from as changed_at

    from versions

),

changed as (

    select *
    from followed
    where person_key <> previous_person_key

),

-- Who else was there: in the old person after the change, in the new one before it.
told as (

    select
        changed.customer_id,
        changed.changed_at,
        changed.previous_person_key,
        changed.person_key,
        bool_or(
            versions.person_key = changed.previous_person_key
            and versions.dbt_valid_from <= changed.changed_at
            and (versions.dbt_valid_to is null or versions.dbt_valid_to > changed.changed_at)
        ) as is_previous_going_on,
        bool_or(
            versions.person_key = changed.person_key
            and versions.dbt_valid_from < changed.changed_at
            and (versions.dbt_valid_to is null or versions.dbt_valid_to >= changed.changed_at)
        ) as is_new_known_before

    from changed
    inner join versions
        on versions.person_key in (changed.previous_person_key, changed.person_key)
    group by
        changed.customer_id,
        changed.changed_at,
        changed.previous_person_key,
        changed.person_key

),

final as (

    select
        customer_id,
        changed_at,
        previous_person_key,
        person_key,
        case
            when is_new_known_before and not is_previous_going_on then 'merged'
            when is_previous_going_on and not is_new_known_before then 'split'
            when is_previous_going_on and is_new_known_before then 'moved'
            else 'renamed'
        end as change_kind

    from told

)

select * from final
