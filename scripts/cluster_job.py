"""The job for `spark-submit`: `spark-submit … scripts/cluster_job.py FOLDER [--as-of DAY] [-o NEW-FOLDER]`."""

import sys

from commands.cli import main

if __name__ == "__main__":
    sys.exit(main(["cluster", *sys.argv[1:], "--submitted"]))
