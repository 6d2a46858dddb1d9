"""A person's own file of many rows, saved as leads.

Measured: `continue_import`, as a worker runs it, from the start of the job to its end; seconds, and the CPU seconds of
its process, of the processes that read for it, and of its PostgreSQL backend (`/proc/PID/stat`). The file has 22
columns as list vendors sell them: an address, an APN, an owner with a mailing address, two phones with their types, an
e-mail, and facts. The baseline is the same cells by COPY into a bare table of the same width.
"""

from __future__ import annotations

import csv
import io
import os
import resource
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import Report
from benchmarks.place import Place

AIM = 120  # seconds of 1,000,000 rows
COLUMNS = (
    *("Property Address", "City", "State", "Zip", "County", "APN", "Owner First Name", "Owner Last Name"),
    *("Mailing Address", "Mailing City", "Mailing State", "Mailing Zip", "Phone 1", "Phone 1 Type", "Phone 2"),
    *("Phone 2 Type", "Email", "Bedrooms", "Bathrooms", "Building Sqft", "Year Built", "Estimated Value"),
)
_STREETS = ("Main St", "Oak Ave", "2nd Street", "Elm Drive", "Martin Luther King Jr Blvd", "County Road 12", "Pine Ln")
_CITIES = (("Phoenix", "AZ", "850", "Maricopa"), ("Tucson", "AZ", "857", "Pima"), ("Olympia", "WA", "985", "Thurston"))
_FIRST = ("James", "Mary", "Robert", "Patricia", "John", "Jennifer", "Michael", "Linda", "David", "Elizabeth")


def file_of(rows: int, *, first: int = 0) -> io.BytesIO:
    """A CSV of this many different properties."""
    text = io.StringIO()
    write = csv.writer(text)
    write.writerow(COLUMNS)
    for n in range(first, first + rows):
        city, state, zips, county = _CITIES[n % 3]
        zip_code, street = f"{zips}{n % 97:02d}", f"{n // 7 + 1} {_STREETS[n % 7]}"
        name, surname = _FIRST[n % 10], f"Surname{n % 40009}"
        away = (
            (f"PO Box {n % 90001}", "Dallas", "TX", f"752{n % 53:02d}")
            if n % 3 == 0
            else (street, city, state, zip_code)
        )
        write.writerow(
            [
                *(street, city, state, zip_code, county, f"{n % 999:03d}-{n // 999 % 99:02d}-{n // 98901:04d}"),
                *(name, surname, *away, f"(602) {200 + n // 10000 % 800}-{n % 10000:04d}", "Mobile"),
                *((f"480-{200 + n // 10000 % 800}-{n % 10000:04d}", "Landline") if n % 2 else ("", "")),
                f"{name}.{surname}{n}@example.com".lower() if n % 4 == 0 else "",
                *(n % 5 + 1, n % 4 + 0.5, 900 + n % 3000, 1950 + n % 70, f"${150 + n % 700},{n % 1000:03d}"),
            ]
        )
    return io.BytesIO(text.getvalue().encode())


def measure(place: Place, *, rows: int) -> Report:
    from django.db import connection
    from django.test import override_settings

    from buckets.imports import services
    from buckets.models import Import
    from buckets.services import create_bucket

    file = file_of(rows)
    bare = _bare(place, file)
    bucket, _ = create_bucket(by=place.user, name="From a file")
    began = time.perf_counter()
    job = services.upload(bucket=bucket, file=file, name="leads.csv")
    uploaded = time.perf_counter() - began
    services.start_import(job=job, by=place.user)
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    began, python, postgres = time.perf_counter(), time.process_time(), cpu_of(backend)
    with override_settings(PUMP_SECONDS=3600):  # one turn: a loaded machine would have a worker take many
        services.continue_import(job.pk)
    seconds = time.perf_counter() - began
    done = Import.objects.get(pk=job.pk)
    if (done.status, done.new) != ("completed", rows):
        raise AssertionError(f"The import is {done.status} with {done.new:,} of {rows:,} rows: {done.error}")
    spent = {
        "worker_cpu_seconds": round(time.process_time() - python, 1),
        "readers_cpu_seconds": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children, 1),
        "postgresql_cpu_seconds": round(cpu_of(backend) - postgres, 1),
    }
    none: dict[str, Any] = dict.fromkeys(("worker_cpu_seconds", "readers_cpu_seconds", "postgresql_cpu_seconds"), "–")
    results = [
        {"name": "COPY into a bare table (baseline)", "rows_per_second": round(rows / bare), "seconds": round(bare, 1)}
        | none,
        {"name": "upload: reading the file into pieces", "rows_per_second": round(rows / uploaded)}
        | {"seconds": round(uploaded, 1)}
        | none,
        {"name": "the import", "rows_per_second": round(rows / seconds), "seconds": round(seconds, 1)} | spent,
    ]
    return {
        "benchmark": "imports",
        "what": f"{rows:,} rows of {len(COLUMNS)} columns into a new bucket, beside {place.leads:,} leads",
        "aim": f"1,000,000 rows in {AIM} s; this pace gives {1_000_000 * seconds / rows:.0f} s",
        "results": results,
    }


def cpu_of(pid: int) -> float:
    """CPU seconds that a process of this machine has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _bare(place: Place, file: io.BytesIO) -> float:
    columns = ", ".join(f"c{n} text" for n in range(len(COLUMNS)))
    began = time.perf_counter()
    with place.connect() as database:
        database.execute(f"CREATE TABLE bare ({columns})")
        with database.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(file.getvalue())
        spent = time.perf_counter() - began
        database.execute("DROP TABLE bare")
    return spent
