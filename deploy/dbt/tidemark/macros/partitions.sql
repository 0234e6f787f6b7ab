{#- The partitions of a table of facts are compared by the hash that the ledger has of them. -#}

{% macro delete_changed_partitions(dataset) %}
    {% if is_incremental() %}
    delete from {{ this }} as kept
    where not exists (
        select 1
        from {{ source('tidemark', '_tidemark_loads') }} as ledger
        where ledger.dataset = '{{ dataset }}'
            and ledger.workspace_id = kept.workspace_id
            and ledger.date = kept.date
            and ledger.content_hash = kept.partition_hash
    )
    {% else %}
    select 1 as nothing_to_delete
    {% endif %}
{% endmacro %}

{% macro missing_partitions(dataset) %}
    select facts.*, ledger.content_hash as partition_hash
    from {{ source('tidemark', dataset) }} as facts
    join {{ source('tidemark', '_tidemark_loads') }} as ledger
        on ledger.dataset = '{{ dataset }}'
        and ledger.workspace_id = facts.workspace_id
        and ledger.date = facts.date
    {% if is_incremental() %}
    where not exists (
        select 1
        from {{ this }} as kept
        where kept.workspace_id = facts.workspace_id and kept.date = facts.date
    )
    {% endif %}
{% endmacro %}
