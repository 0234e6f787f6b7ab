"""Asset checks: what turns red where a data engineer looks first.

Dagster shows of a check the newest evaluation, whatever partition its run was about. So an evaluation speaks of the
newest window that ended as well as of the run's own: a backfill of a good old hour turns nothing green that is red now.
What it says of a window is what MongoDB holds of it, and not only what the run did: a run over one account does not
speak for the others.

Dagster's partitioned checks are no way out yet (1.13, preview): the UI puts a check's state together from all its
partitions at every look, which takes about a second for each thousand of them.
"""
