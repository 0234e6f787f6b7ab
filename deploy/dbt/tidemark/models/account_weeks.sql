{{ config(materialized='view') }}

select
    days.workspace_id,
    days.account_id,
    days.platform,
    calendar.week,
    calendar.week_start,
    count(*) as days,
    -- NULL is unknown: the sum of a week is unknown if a day of it is.
    case when count(days.total_engagement) = count(*) then sum(days.total_engagement) end as total_engagement,
    case when count(days.total_likes) = count(*) then sum(days.total_likes) end as total_likes,
    -- A level as basis counts once, not once for each day: then the rate of several days is unknown.
    case
        when count(case when days.engagement_rate_basis = 'followers' then 1 end) = 0
            then 100.0 * sum(days.engagement_rate_parts_engagement) / nullif(sum(days.engagement_rate_parts_basis), 0)
    end as engagement_rate
from {{ ref('account_days') }} as days
join {{ source('tidemark', 'dim_calendar') }} as calendar
    on calendar.workspace_id = days.workspace_id and calendar.date = days.date
group by days.workspace_id, days.account_id, days.platform, calendar.week, calendar.week_start
