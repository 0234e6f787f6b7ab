"""Asset checks, which Dagster's UI shows in red beside their assets.

Dagster shows only the newest evaluation of a check, whatever partition its run had. So each evaluation covers the
newest window that ended as well as those of the run: a backfill of a good old hour must not turn a check green whose
newest hour is bad. An evaluation covers everything that MongoDB holds of these windows and not only the work of the
run, because a run over one account does not say anything about the others.

Dagster's partitioned checks do not solve this yet (1.13, preview): the UI computes a check's state from all partitions
at every view, which takes about a second per thousand partitions.
"""
