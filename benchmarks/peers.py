"""One job, to buy a parcel's detail and store the answer, in the two job queues that `queues` runs beside ours.

Each is set up as its documentation advises for jobs that must not be lost. A message or job may come twice in both, so
the job asks for nothing that is stored. PEERS_BROKER: a Redis URL. PEERS_VENDOR: the sandbox's. PEERS_RATE: Celery's
`rate_limit`, "300/m"; unset: none.
"""

from __future__ import annotations

import os
import threading

import procrastinate
import psycopg
import requests
from celery import Celery

from sandbox.server import SandboxConfig

SCHEMA = "peers"
CONCURRENCY = 5  # jobs of a worker at a time
NOTICED = 30  # seconds until a dead worker's jobs are another's: procrastinate's default
TIMEOUT = 30  # seconds of a request
MINE = f"-c search_path={SCHEMA}"  # PostgreSQL's `options`
_thread = threading.local()


def buy(parcel: str) -> None:
    if not hasattr(_thread, "database"):
        _thread.database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, options=MINE)
        _thread.session = requests.Session()
        _thread.session.headers["x-api-key"] = SandboxConfig.realestateapi_key
    if _thread.database.execute("SELECT FROM answer WHERE parcel = %s", [parcel]).fetchone() is not None:
        return
    address = f"{os.environ['PEERS_VENDOR']}/realestateapi/v2/PropertyDetail"
    answer = _thread.session.post(address, json={"id": parcel}, timeout=TIMEOUT)
    answer.raise_for_status()
    _thread.database.execute("INSERT INTO answer VALUES (%s, %s) ON CONFLICT DO NOTHING", [parcel, answer.text])


# --- Celery: userguide/tasks, userguide/optimizing ("Reserve one task at a time"), backends-and-brokers/redis ---------

celery = Celery("peers", broker=os.environ.get("PEERS_BROKER"))
celery.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # kombu's own interval and throttle look for messages of the dead every 100 s, whatever the timeout
    broker_transport_options={
        "visibility_timeout": NOTICED,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
    visibility_timeout=NOTICED,
)


@celery.task(name="buy", rate_limit=os.environ.get("PEERS_RATE"))
def by_celery(parcel: str) -> None:
    buy(parcel)


# --- procrastinate: howto/production/retry_stalled_jobs, connections; howto/advanced/cron, priorities -----------------

queue = procrastinate.App(
    connector=procrastinate.PsycopgConnector(
        conninfo=os.environ.get("DATABASE_URL", ""), kwargs={"options": MINE}, max_size=CONCURRENCY + 1
    )
)


@queue.task(name="buy")
def by_procrastinate(parcel: str) -> None:
    buy(parcel)


@queue.periodic(cron="* * * * * */5")  # the sixth field: seconds
@queue.task(queueing_lock="retry_stalled_jobs", priority=1, pass_context=True)
async def retry_stalled_jobs(context: procrastinate.JobContext, timestamp: int) -> None:
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=NOTICED):
        await queue.job_manager.retry_job(job)
