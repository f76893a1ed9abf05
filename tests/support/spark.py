"""Whether Spark can run here, and a small cluster of real processes: a master, two workers, an executor on each."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from tests.support.children import descendants

CLUSTER = "local-cluster[2,1,1024]"  # two workers of one core and 1,024 MB
EXECUTOR = "CoarseGrainedExecutorBackend"


def why_not() -> str | None:
    """Return why Spark cannot run here, None where it can."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: ATTENDANCE_SPARK=1 scripts/setup installs it"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if java is None:
        return "there is no Java 17"
    said = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < 17:
        return f"Java 17 is needed, and this is {said.splitlines()[0] if said else 'something else'}"
    return None


@contextmanager
def small_cluster() -> Iterator[Any]:
    """Give a session on a cluster of this machine's own processes, ended afterwards."""
    import pyspark

    from commands.cluster import spark_session

    settings = {
        # Workers of a local cluster look for Spark where this says, and it writes only under the working folder.
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": "--conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false pyspark-shell",
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        session = spark_session(CLUSTER)
        yield session
        session.stop()
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def executors() -> list[psutil.Process]:
    """Return the executors that this process started, through Spark, and nobody else's."""
    return descendants(EXECUTOR)
