-- History that nothing could build anew: a full refresh passes over it.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['customer_id', 'segment_id', 'entered_on'],
    full_refresh=false,
    dist='customer_id',
    sort=['customer_id', 'segment_id'],
    indexes=postgres_indexes(['customer_id', 'segment_id', 'entered_on']),
) }}

with

matched as (

    select * from {{ ref('int_segments__matched') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- what the table holds already; nothing, when it is built for the first time
known as (

    {% if is_incremental() -%}
    select
        customer_id,
        segment_id,
        entered_on,
        exited_on,
        judged_on

    from {{ this }}
    {%- else -%}
    select
        matched.customer_id,
        matched.segment_id,
        as_of.as_of_on as entered_on,
        as_of.as_of_on as exited_on,
        as_of.as_of_on as judged_on

    from matched
    cross join as_of
    where false
    {%- endif %}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, segment_id
            order by entered_on desc
        ) as membership_rank

    from known

),

latest as (

    select
        customer_id,
        segment_id,
        entered_on,
        exited_on

    from ranked
    where membership_rank = 1

),

last_build as (

    select max(judged_on) as judged_on
    from known

),

-- A build for an earlier reporting day than the last one (a late look back, by the var `as_of_on`) tells nothing of
-- today, and writes nothing.
compared as (

    select
        coalesce(matched.customer_id, latest.customer_id) as customer_id,
        coalesce(matched.segment_id, latest.segment_id) as segment_id,
        matched.customer_id is not null as is_matched,
        latest.entered_on,
        latest.exited_on,
        as_of.as_of_on

    from matched
    full outer join latest
        on
            matched.customer_id = latest.customer_id
            and matched.segment_id = latest.segment_id
    cross join as_of
    cross join last_build
    where
        last_build.judged_on is null
        or as_of.as_of_on >= last_build.judged_on

),

-- The last build of a day decides for the day: an exit of the same day is taken back, and an entry of the same day that
-- does not hold any more ends as it began.
final as (

    select
        customer_id,
        segment_id,
        case
            when is_matched and (entered_on is null or exited_on < as_of_on) then as_of_on
            else entered_on
        end as entered_on,
        case when not is_matched then as_of_on end as exited_on,
        as_of_on as judged_on

    from compared
    where
        is_matched
        or exited_on is null

)

select * from final
