-- What the customer had, as of the feature date.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

population as (

    {{ new_feature_rows() }}

),

products as (

    select * from {{ ref('int_products__latest_kept') }}
    where {{ has_come_into_service('product_status') }}

),

history as (

    select * from {{ ref('int_customers__periods') }}

),

consents as (

    select * from {{ ref('int_consents__followed') }}
    where consent_purpose = 'profiling'

),

-- The inventory knows today what ended later. Then, it had not ended.
products_then as (

    select
        population.customer_id,
        population.feature_on,
        products.recurring_price_amount,
        cast(products.started_at as date) as started_on,
        case
            when cast(products.terminated_at as date) <= population.feature_on then cast(products.terminated_at as date)
        end as ended_on

    from population
    inner join products
        on
            population.customer_id = products.customer_id
            and population.feature_on >= cast(products.started_at as date)

),

summed as (

    select
        customer_id,
        feature_on,
        min(started_on) as first_started_on,
        sum(case when ended_on is null then 1 else 0 end) as product_count,
        {{ as_amount('coalesce(sum(case when ended_on is null then recurring_price_amount end), 0)') }}
            as recurring_amount,
        sum(case when started_on >= {{ days_before('feature_on', 89) }} then 1 else 0 end) as started_product_count,
        sum(case when ended_on >= {{ days_before('feature_on', 89) }} then 1 else 0 end) as ended_product_count

    from products_then
    group by
        customer_id,
        feature_on

),

-- The periods and consents that were in force when the day ended.
final as (

    select
        population.customer_id,
        population.feature_on,
        {{ days_between('summed.first_started_on', 'population.feature_on') }} as tenure_days,
        coalesce(summed.product_count, 0) as product_count,
        {{ as_amount('coalesce(summed.recurring_amount, 0)') }} as recurring_amount,
        coalesce(summed.started_product_count, 0) as last_90_days_started_product_count,
        coalesce(summed.ended_product_count, 0) as last_90_days_ended_product_count,
        -- not known is no: of whom CRM has sent one version only, it is the last, and its absence would tell the future
        coalesce(history.customer_status = 'suspended', false) as is_suspended,
        coalesce(consents.consent_status = 'granted', false) as has_consented_profiling

    from population
    left join summed
        on
            population.customer_id = summed.customer_id
            and population.feature_on = summed.feature_on
    left join history
        on
            population.customer_id = history.customer_id
            and {{ valid_at('history', day_end('population.feature_on')) }}
    left join consents
        on
            population.customer_id = consents.customer_id
            and {{ valid_at('consents', day_end('population.feature_on')) }}

)

select * from final
