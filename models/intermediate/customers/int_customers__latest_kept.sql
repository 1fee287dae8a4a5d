-- Postgres plans better by a key that is known to be one, and leaves out joins that only might have found something.
{{ config(indexes=postgres_indexes(['customer_id'])) }}

with

customers as (

    select * from {{ ref('stg_crm__customers') }}

),

-- CRM sends a customer again whenever it changes, and now and then twice. The last change wins;
-- of two with the same time, the one that landed last.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                last_updated_at desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from customers

),

final as (

    select
        customer_id,
        party_id,
        given_name,
        family_name,
        born_on,
        language,
        customer_status,
        status_reason,
        customer_since_on,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
