with

bill_items as (

    select * from {{ ref('stg_billing__bill_items') }}

),

-- The billing system repeats lines, within a file and across files: the last landed counts.
ranked as (

    select
        *,
        row_number() over (
            partition by bill_item_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from bill_items

),

final as (

    select
        bill_item_id,
        bill_no,
        product_id,
        item_description,
        charge_type,
        quantity,
        item_amount

    from ranked
    where version_rank = 1

)

select * from final
