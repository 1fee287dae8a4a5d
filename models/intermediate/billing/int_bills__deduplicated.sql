with

bills as (

    select * from {{ ref('stg_billing__bills') }}

),

-- The billing system repeats lines, within a file and across files. Where they differ, the last landed is the
-- correction. (A file sent again under its own name has replaced its rows before they get here.)
ranked as (

    select
        *,
        row_number() over (
            partition by bill_no
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from bills

),

final as (

    select
        bill_no,
        customer_id,
        customer_name,
        billed_on,
        period_started_on,
        period_ended_on,
        due_on,
        due_amount,
        tax_amount,
        currency,
        bill_state,
        ebill_channel

    from ranked
    where version_rank = 1

)

select * from final
