{{ config(dist='all', sort='segment_id') }}

with

definitions as (

    select * from {{ ref('segment_definitions') }}

),

members as (

    select * from {{ ref('segment_members') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

counted as (

    select
        segment_id,
        count(*) as member_count

    from members
    where is_current
    group by segment_id

),

final as (

    select
        definitions.segment_id,
        definitions.segment_name,
        definitions.segment_description,
        definitions.sql_condition,
        definitions.used_for,
        definitions.needs_consent_purpose,
        definitions.owner,
        definitions.valid_from_on,
        definitions.valid_until_on,
        coalesce(
            as_of.as_of_on >= definitions.valid_from_on
            and (definitions.valid_until_on is null or as_of.as_of_on <= definitions.valid_until_on),
            false
        ) as is_valid,
        coalesce(counted.member_count, 0) as member_count

    from definitions
    cross join as_of
    left join counted
        on definitions.segment_id = counted.segment_id

)

select * from final
