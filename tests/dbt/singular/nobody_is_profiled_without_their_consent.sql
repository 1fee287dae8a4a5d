-- Whoever withdraws the consent to profiling is to be forgotten by the next build, and nobody is in who never gave it.
with

interest as (

    select distinct customer_id
    from {{ ref('customer_product_interest') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

)

select interest.customer_id
from interest
left join consents
    on interest.customer_id = consents.customer_id
where not coalesce(consents.has_consented_profiling, false)
