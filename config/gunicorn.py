"""How the web server runs: `gunicorn --config python:config.gunicorn config.wsgi`, here and in production."""

import gc

worker_class = "common.server.worker.BufferedWorker"
threads = 16  # that work at a time; what waits has threads of its own (WAITING_THREADS)
worker_connections = 512  # below a process's usual 1,024 file handles
limit_request_line = 8190  # bytes: a question about 200 rows names them in its address (common/asking.py)
keepalive = 5  # seconds; a proxy before us keeps its own connections shorter
graceful_timeout = 30
sendfile = False  # the kernel would write to the socket behind the loop's back
control_socket_disable = True
accesslog = "-"
logger_class = "common.server.access_log.AccessLog"
# No query (it may hold a phone or a name) and no Referer (it has one too). The id is the audit's.
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(L)ss %({x-request-id}o)s "%(a)s"'
# More than a page of 50 leads is made of: with Python's 700 each was looked through before it was written. An answer
# leaves some 200 behind.
NEW_OBJECTS = 5_000


def post_worker_init(_worker: object) -> None:
    """What the product is made of stays: a full collection looked through it each 200 pages of leads, for 0.15 s.

    All addresses with it: else the first request reads them, and their views are looked through from then on.
    """
    from django.apps import apps  # noqa: PLC0415  # settings are read by then
    from django.urls import get_resolver  # noqa: PLC0415

    if apps.ready:
        get_resolver().reverse_dict  # noqa: B018  # reads all of them
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
