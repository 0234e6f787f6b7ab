"""Execute steps of runs on Celery workers on several machines: dagster-celery with Redis as broker.

Workers run the app of `pipelines.worker`. `executor` submits steps to them, and `leases` show when a worker is gone.
"""
