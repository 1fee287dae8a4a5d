with

dunning_notices as (

    select * from {{ source('billing', 'dunning_notices') }}

),

final as (

    select
        dunning_notice_id,
        customer_id,
        bill_no,
        level as dunning_level,
        fee_amount,
        notice_date as noticed_on,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from dunning_notices

)

select * from final
