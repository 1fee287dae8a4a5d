{#- Whether a table has suddenly become much smaller than it was: fewer than `least_kept_share` of its rows are left.
    Small tables come and go. One definition for the history of row counts and for the test that raises the alarm. -#}
{% macro has_lost_rows(row_count, previous_row_count, least_kept_share=0.5, smallest_count=1000) -%}
    ({{ previous_row_count }} >= {{ smallest_count }} and {{ row_count }} < {{ previous_row_count }} * {{ least_kept_share }})
{%- endmacro %}
