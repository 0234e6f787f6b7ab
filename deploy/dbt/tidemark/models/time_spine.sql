{{ config(materialized='view') }}

select distinct date as date_day
from {{ source('tidemark', 'dim_calendar') }}
