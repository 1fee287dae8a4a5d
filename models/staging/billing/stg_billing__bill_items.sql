with

bill_items as (

    select * from {{ source('billing', 'bill_items') }}

),

final as (

    select
        bill_item_id,
        bill_no,
        product_id,
        description as item_description,
        charge_type,
        quantity,
        amount as item_amount,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from bill_items

)

select * from final
