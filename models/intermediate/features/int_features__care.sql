-- How often the customer was in touch, and how content they were, as of the feature date.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

population as (

    {{ new_feature_rows() }}

),

-- Who named themselves. Whose the other contacts are is worked out from all that is known today, and that would be more
-- than was known then.
interactions as (

    select * from {{ ref('int_party_interactions__deduplicated') }}
    where
        direction = 'inbound'
        and customer_id is not null

),

trouble_tickets as (

    select * from {{ ref('int_trouble_tickets__latest_kept') }}

),

ticket_versions as (

    select * from {{ ref('stg_contacts__trouble_tickets') }}

),

survey_responses as (

    select * from {{ ref('int_survey_responses__deduplicated') }}

),

-- A repeat looks back. Whether a contact was followed by another is what was not known then.
preceded as (

    select
        customer_id,
        started_at,
        reason,
        lag(started_at) over (
            partition by customer_id, reason
            order by
                started_at,
                party_interaction_id
        ) as previous_started_at

    from interactions

),

contacted as (

    select
        population.customer_id,
        population.feature_on,
        count(*) as contact_count,
        sum(
            case
                when
                    preceded.reason is not null
                    and preceded.started_at <= {{ dbt.dateadd('day', 7, 'preceded.previous_started_at') | trim }}
                    then 1
                else 0
            end
        ) as repeat_contact_count

    from population
    inner join preceded
        on
            population.customer_id = preceded.customer_id
            and population.feature_on >= cast(preceded.started_at as date)
            and cast(preceded.started_at as date) >= {{ days_before('population.feature_on', 89) }}
    group by
        population.customer_id,
        population.feature_on

),

tickets_then as (

    select
        population.customer_id,
        population.feature_on,
        trouble_tickets.trouble_ticket_id,
        ticket_versions.ticket_status,
        row_number() over (
            partition by population.feature_on, trouble_tickets.trouble_ticket_id
            order by
                ticket_versions.last_updated_at desc,
                ticket_versions._dlt_load_id desc,
                ticket_versions._source_uri desc,
                ticket_versions._source_row desc
        ) as version_rank

    from population
    inner join trouble_tickets
        on
            population.customer_id = trouble_tickets.customer_id
            and population.feature_on >= cast(trouble_tickets.created_at as date)
    left join ticket_versions
        on
            trouble_tickets.trouble_ticket_id = ticket_versions.trouble_ticket_id
            and population.feature_on >= cast(ticket_versions.last_updated_at as date)

),

-- opened, and nothing heard of it by then: open
tickets as (

    select
        customer_id,
        feature_on,
        sum(
            case when coalesce(ticket_status, 'acknowledged') in ('acknowledged', 'inProgress') then 1 else 0 end
        ) as open_ticket_count

    from tickets_then
    where version_rank = 1
    group by
        customer_id,
        feature_on

),

answers_then as (

    select
        population.customer_id,
        population.feature_on,
        survey_responses.survey_score,
        survey_responses.responded_at,
        row_number() over (
            partition by population.customer_id, population.feature_on
            order by
                survey_responses.responded_at desc,
                survey_responses.survey_response_id desc
        ) as answer_rank

    from population
    inner join survey_responses
        on
            population.customer_id = survey_responses.customer_id
            and population.feature_on >= cast(survey_responses.responded_at as date)

),

answers as (

    select
        customer_id,
        feature_on,
        survey_score,
        responded_at

    from answers_then
    where answer_rank = 1

),

final as (

    select
        population.customer_id,
        population.feature_on,
        coalesce(contacted.contact_count, 0) as last_90_days_contact_count,
        coalesce(contacted.repeat_contact_count, 0) as last_90_days_repeat_contact_count,
        coalesce(tickets.open_ticket_count, 0) as open_ticket_count,
        answers.survey_score as last_survey_score,
        {{ days_between('cast(answers.responded_at as date)', 'population.feature_on') }} as days_since_survey

    from population
    left join contacted
        on
            population.customer_id = contacted.customer_id
            and population.feature_on = contacted.feature_on
    left join tickets
        on
            population.customer_id = tickets.customer_id
            and population.feature_on = tickets.feature_on
    left join answers
        on
            population.customer_id = answers.customer_id
            and population.feature_on = answers.feature_on

)

select * from final
