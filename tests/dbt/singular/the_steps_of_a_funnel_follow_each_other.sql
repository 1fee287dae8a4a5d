-- Each step is looked for among the events of the whole visit: one that was found before the step that leads to it
-- would make a time to order that is negative, and a conversion that nobody made.
select
    session_key,
    product_viewed_at,
    cart_added_at,
    checked_out_at,
    ordered_at

from {{ ref('fct_web_funnels') }}
where
    cart_added_at < product_viewed_at
    or checked_out_at < cart_added_at
    or ordered_at < checked_out_at
    or ordered_at < cart_added_at
    or (cart_added_at is null and (checked_out_at is not null or ordered_at is not null))
