{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ tidemark.delete_changed_partitions('fct_account_day') }}"
) }}

{{ tidemark.missing_partitions('fct_account_day') }}
