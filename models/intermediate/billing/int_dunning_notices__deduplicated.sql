with

dunning_notices as (

    select * from {{ ref('stg_billing__dunning_notices') }}

),

-- The billing system repeats lines: one row per notice, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by dunning_notice_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from dunning_notices

),

final as (

    select
        dunning_notice_id,
        customer_id,
        bill_no,
        dunning_level,
        fee_amount,
        noticed_on

    from ranked
    where version_rank = 1

)

select * from final
