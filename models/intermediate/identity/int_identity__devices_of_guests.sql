with

events as (

    select * from {{ ref('stg_events__events') }}

),

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

contacts as (

    select * from {{ ref('int_identity__contacts_attributed') }}

),

-- Nobody has logged in, but the order carries an address: whose the address is has used the device.
final as (

    select
        events.device_id,
        contacts.person_key,
        min(events.occurred_at) as first_seen_at,
        max(events.occurred_at) as last_seen_at

    from events
    inner join product_orders
        on events.order_id = product_orders.external_id
    inner join contacts
        on product_orders.product_order_id = contacts.contact_id
    where
        events.event_type = 'order_placed'
        and contacts.contact_kind = 'product_order'
        and contacts.person_key is not null
    group by
        events.device_id,
        contacts.person_key

)

select * from final
