-- Small beside the facts, and joined to all of them: a copy on every node costs less than moving facts about.
{{ config(dist='all', sort='customer_id') }}

with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

contact_media as (

    select * from {{ ref('int_contact_media__pivoted_to_customers') }}

),

-- No names, no addresses: whoever counts customers needs none, and whoever serves them has customer_view.
final as (

    select
        customers.customer_id,
        customers.party_id,
        customers.customer_status,
        customers.status_reason,
        customers.customer_status = 'active' as is_active,
        customers.customer_since_on,
        customers.language,
        cast(extract(year from customers.born_on) as integer) as birth_year,
        contact_media.post_code,
        contact_media.city,
        contact_media.country_code,
        customers.last_updated_at

    from customers
    left join contact_media
        on customers.customer_id = contact_media.customer_id

)

select * from final
