"""Steps of runs on Celery workers, on as many machines as it takes: dagster-celery with Redis as broker.

`app` is what a worker runs, `executor` what submits steps to workers, `leases` how it learns that a worker is gone.
"""
