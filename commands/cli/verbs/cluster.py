"""The verb that asks many schools at once, on this machine or on a Spark cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from commands import cluster
from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import AsOfOption, JsonOption, KnownAtOption, note, parse_day, parse_known_at
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.screen import show
from commands.cli.frame.speech import say_json
from commands.cluster import on_spark, on_this_machine, spark_session, workers
from commands.desk.tables import table
from ledger.errors import Misconfigured, Refused
from ledger.note import VerifierKey, parse_key
from ledger.policy import load
from ledger.words import counted
from projections.many import batches
from projections.many.batches import Summary

verbs = Verbs()

NAMES = {
    "possible": "possible sessions",
    "persistent": "persistently absent",
    "severe": "severely absent",
    "at_risk": "at risk",
    "met": "penalty windows met",
}


@verbs.command("cluster")
def ask_cluster(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder with a folder of each school's archive.")],
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    policy: Annotated[
        str | None, typer.Option("--policy", metavar="NAME", help="By this policy. [default each school's own]")
    ] = None,
    local: Annotated[
        int | None, typer.Option("--local", metavar="N", min=1, help="N processes of this machine. [default its cores]")
    ] = None,
    master: Annotated[str | None, typer.Option("--master", metavar="URL", help="On this Spark cluster.")] = None,
    submitted: Annotated[bool, typer.Option("--submitted", help="Where spark-submit or Spark's settings say.")] = False,
    verifiers: Annotated[
        Path | None,
        typer.Option("--verifiers", metavar="FILE", help="Verifier keys, one a line: each archive signed by its own."),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="NEW-FOLDER", help="Every pupil and school, as Parquet.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the archives of many schools for absence and penalty windows.

    A school that cannot be answered is named on standard error, and the exit code is 1; the others are answered.
    Without --verifiers nobody checks who made the archives, and the answer says that they are unsigned.

    \b
    Example: attendance cluster authority --as-of 2025-07-18 --local 8 -o answers
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    on_spark = master is not None or submitted
    if local is not None and on_spark:
        raise Refused("malformed", field="--local", value=local, expected="either processes here or a Spark cluster")

    if policy is not None:
        load(policy)
    out = None if output is None else cluster.out_folder(output)
    folders, again = cluster.once(cluster.schools_in(folder))

    question = batches.questions(folders, about, known, policy, None if verifiers is None else _keys(verifiers))
    totals = _on_spark(master, question, out) if on_spark else _here(local or os.cpu_count() or 1, question, out)
    summary = batches.summary(question, totals)
    summary = summary._replace(failed=sorted([*summary.failed, *again]))
    if out is not None:
        batches.write(summary.schools, out / cluster.SCHOOLS)
    _give(summary, {"as_of": as_of, "known_at": known_at, "policy": policy}, as_json=as_json)


def _keys(file: Path) -> list[VerifierKey]:
    """Return the verifier keys of a file, one a line. Raises Misconfigured or BadNote."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"the file of keys {file} cannot be read") from error
    return [parse_key(line) for line in lines if line.strip()]


def _on_spark(master: str | None, question: batches.Rows, out: Path | None) -> list[batches.Rows]:
    spark = spark_session(master)
    try:
        return on_spark(spark, question, out)
    finally:
        spark.stop()


def _here(processes: int, question: batches.Rows, out: Path | None) -> list[batches.Rows]:
    with progress_bar("asking", len(question)) as progress, workers(processes) as pool:
        return on_this_machine(question, pool, out, progress)


def _give(summary: Summary, question: dict[str, str | None], *, as_json: bool) -> None:
    for name, error in summary.failed:
        note(f"{name}: {error}")
    if as_json:
        failed = [{"folder": name, "error": error} for name, error in summary.failed]
        about = {"simulated": summary.simulated, "unsigned": summary.unsigned}
        answers = [each for each in summary.schools.to_pylist() if each["error"] is None]
        rules = [{name: each[name] for name in ("folder", "school", "rules")} for each in answers]
        say_json({**question, **about, **summary.pooled._asdict(), "rules": rules, "failed": failed})
    else:
        _show(summary, question)
    if summary.failed:
        raise typer.Exit(1)


def _show(summary: Summary, question: dict[str, str | None]) -> None:
    pooled = summary.pooled
    made = table("All schools", summary.simulated, what="left", number="right")
    shares = {"attendance": pooled.attendance_percent, "absence": pooled.absence_percent}
    for name, value in pooled._asdict().items():
        if not name.endswith("_percent"):
            made.add_row(NAMES.get(name, name), f"{value:,}")
    for name, share in shares.items():
        made.add_row(name, "–" if share is None else f"{share:.1f} %")
    about = question["as_of"] or "the last day of each school"
    known = question["known_at"] or "the end of each archive"
    unsigned = [f"{counted(summary.unsigned, 'archive')} unsigned: --verifiers FILE checks who made them"]
    show(
        made,
        *(unsigned if summary.unsigned else []),
        f"as of {about}, as known at {known}, policy {question['policy'] or 'of each school'}",
    )
