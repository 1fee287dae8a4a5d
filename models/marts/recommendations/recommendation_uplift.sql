{{ config(dist='all', sort='model_version') }}

with

recommendations as (

    select * from {{ ref('fct_product_recommendations') }}

),

-- By customer and offering, and not by showing: who was shown the same thing on three days has decided once.
decisions as (

    select
        model_version,
        customer_id,
        product_offering_id,
        bool_or(is_holdout) as is_holdout,
        bool_or(has_ordered) as has_ordered

    from recommendations
    where recommendation_outcome <> 'not_presented'
    group by
        model_version,
        customer_id,
        product_offering_id

),

summed as (

    select
        model_version,
        sum(case when is_holdout then 0 else 1 end) as shown_count,
        sum(case when has_ordered and not is_holdout then 1 else 0 end) as shown_ordered_count,
        sum(case when is_holdout then 1 else 0 end) as holdout_count,
        sum(case when has_ordered and is_holdout then 1 else 0 end) as holdout_ordered_count

    from decisions
    group by model_version

),

shares as (

    select
        model_version,
        shown_count,
        shown_ordered_count,
        {{ share_of('shown_ordered_count', 'shown_count') }} as shown_ordered_share,
        holdout_count,
        holdout_ordered_count,
        {{ share_of('holdout_ordered_count', 'holdout_count') }} as holdout_ordered_share

    from summed

),

final as (

    select
        model_version,
        shown_count,
        shown_ordered_count,
        shown_ordered_share,
        holdout_count,
        holdout_ordered_count,
        holdout_ordered_share,
        -- what the showing itself has done; not known without a control group
        cast(shown_ordered_share - holdout_ordered_share as numeric(18, 4)) as uplift_share

    from shares

)

select * from final
