"""The check of loads into warehouses: does the warehouse have the rows of MongoDB?"""

from collections.abc import Sequence

import dagster as dg

NAME = "warehouse_equals_mongo"
_SHOWN = 20


def specs(asset: str) -> list[dg.AssetCheckSpec]:
    """Return the specs of the check that a run of loads evaluates."""
    return [
        dg.AssetCheckSpec(
            NAME,
            asset=asset,
            description="Of one day that was loaded into each warehouse, the number of rows and the hash of their "
            "values are the same in the ledger, in the warehouse and in MongoDB.",
        )
    ]


def result(asset: str, differences: Sequence[str], warehouses: int) -> dg.AssetCheckResult:
    """Return the result of the check for what differs, one line each; `warehouses` is the number of those compared."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=NAME,
        passed=not differences,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(differences[:_SHOWN]) or None,
        metadata={
            "warehouses": dg.MetadataValue.int(warehouses),
            "differences": dg.MetadataValue.int(len(differences)),
        },
    )
