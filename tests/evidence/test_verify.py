"""verify.py, as a stranger runs it: alone, in an empty folder, against whoever changed a byte or made a bundle up."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from commands.evidence import Bundle
from ledger import note, policy
from ledger.merkle import Tree, leaf_hash
from ledger.note import BadNote
from ledger.seal import Seal, read
from ledger.wire import event_key, leaf
from tests.evidence.bundles import NAME, VERIFY, data, made_of, told_school, verdict, verifier, with_manifest, zipped
from tests.golden.make import KEY, lines
from tests.support.counts import FULL, count
from tests.support.schools import OpenedSchool

Members = dict[str, bytes]


RULES = policy.load("national-2024").rules
ABOUT = (
    "SIMULATED, a made-up clock: pupil 1042 (Ada Example) of Example Primary (URN 117000), 2025-09-01 to 2025-10-25, "
    f"as of 2025-10-25, known at 2025-10-25T10:00:00+00:00 (position 245), policy national-2024, rules {RULES}"
)


def on_paper(members: Members, forged: Members) -> Members:
    """Return forged members with the paper made to fit."""
    old, new = (sha256(each["evidence.json"]).hexdigest().encode() for each in (members, forged))
    return {**forged, "evidence.pdf": members["evidence.pdf"].replace(old, new)}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the verify.py of a folder as a stranger does."""
    command = [sys.executable, "-I", str(folder / "verify.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={})


@pytest.fixture
def folder(made: Bundle, tmp_path: Path) -> Path:
    """Return an empty folder in which the bundle was unpacked, with the file and its signature in another."""
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / "bundle.zip").write_bytes(made.content)
    (tmp_path / "sent" / "bundle.zip.sig").write_text(made.signature or "", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "sent" / "bundle.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


# --- alone ----------------------------------------------------------------------------------------------------------


def test_it_needs_the_standard_library_and_cryptography_only() -> None:
    tree = ast.parse(VERIFY.read_text(encoding="utf-8"))
    # What only a checker of types reads is never run: the next test looks at what is.
    tree.body = [node for node in tree.body if not isinstance(node, ast.If) or "TYPE_CHECKING" not in ast.dump(node)]
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}
    assert imported.isdisjoint({"socket", "urllib", "http", "ssl", "subprocess", "importlib"})


def test_it_loads_nothing_of_ours_even_where_that_is_installed(tmp_path: Path) -> None:
    shown = "print(sorted({name.partition('.')[0] for name in sys.modules} & {'commands', 'ledger', 'projections'}))"
    alone = f"import runpy, sys; runpy.run_path({str(VERIFY)!r}); {shown}"
    beside = f"import sys, commands.evidence.members; {shown}"
    said = [
        subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True).stdout
        for code in (alone, beside)
    ]
    assert said[0] == "[]\n"
    assert "commands" in said[1]


def test_an_honest_bundle_holds_in_a_folder_and_as_a_file(folder: Path, seal: Seal) -> None:
    unpacked = run(folder, "--key", str(seal.key))
    assert (unpacked.returncode, unpacked.stderr) == (0, "")
    assert unpacked.stdout.splitlines()[-1] == f"Everything holds: {ABOUT}."
    assert "the register of" in unpacked.stdout and "threshold" not in unpacked.stderr
    sent = folder.parent / "sent" / "bundle.zip"
    whole = run(folder, str(sent), "--key", str(seal.key))
    assert whole.returncode == 0 and "to the byte, the one that was signed" in whole.stdout


def test_with_the_bundles_own_key_it_says_how_little_that_shows(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == (
        f"Everything holds by the bundle's own key, which shows only that it agrees with itself (give --key): {ABOUT}."
    )


def test_another_schools_key_is_not_the_one(folder: Path) -> None:
    other = note.verifier_key(NAME, note.new_private_key())
    done = run(folder, "--key", str(other))
    assert (done.returncode, done.stdout.splitlines()[-1][:5]) == (1, "WRONG")


def test_what_is_no_bundle_is_said_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    for content in (b"", b"PK", b"not a zip file"):
        (tmp_path / "x.zip").write_bytes(content)
        done = run(folder, str(tmp_path / "x.zip"))
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith("WRONG ")
    assert run(folder, str(tmp_path / "none.zip")).returncode == 1
    assert run(folder, "--key", "nonsense").returncode == 1


def test_unsigned_it_says_what_is_proved_and_what_is_not(folder: Path, seal: Seal) -> None:
    """Whoever makes a manifest anew can write into evidence.json what no event says."""

    def last(*arguments: str) -> tuple[int, str]:
        done = run(folder, *arguments)
        return done.returncode, done.stdout.splitlines()[-1]

    key = ("--key", str(seal.key))
    assert last(*key, "--unsigned") == (0, f"Everything holds: {ABOUT}."), "it is signed, whether asked or not"
    members = {path.name: path.read_bytes() for path in folder.iterdir()}
    members = on_paper(members, with_json(members, "evidence.json", lambda ev: ev["penalty"].update(flips=[])))
    for name, content in with_manifest(members).items():
        (folder / name).write_bytes(content)
    assert last(*key) == (1, "WRONG the manifest is not signed")
    assert last(*key, "--unsigned") == (
        0,
        f"The events hold; nobody signed the answers, so that explanations and the paper are not proved: {ABOUT}.",
    )
    assert last("--unsigned")[1].startswith("The events hold by the bundle's own key, which shows only")


def test_it_says_whose_streams_are_complete(folder: Path, seal: Seal) -> None:
    said = run(folder, "--key", str(seal.key)).stdout
    assert "that is the pupil's own streams: nothing shows that no event of the school's was left out" in said


def test_unsealed_it_says_that_nothing_is_shown(school: OpenedSchool, tmp_path: Path) -> None:
    made = made_of(school, case="PN-1")
    for name, content in made.members.items():
        (tmp_path / name).write_bytes(content)
    done = run(tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == (
        "Nothing shows that this was recorded (the bundle is not sealed); nobody signed the answers, so that "
        f"explanations and the paper are not proved: {ABOUT}."
    )
    assert run(tmp_path, "--key", str(note.verifier_key(NAME, note.new_private_key()))).returncode == 1


# --- every byte -----------------------------------------------------------------------------------------------------


def places(length: int, sampled: int) -> list[int]:
    """Return which bytes to flip: all of them in the full run."""
    chosen = range(length) if FULL else sorted(Random(7).sample(range(length), min(sampled, length)))
    return list(chosen)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


def test_every_byte_of_the_file_is_held_by_the_signature_beside_it(made: Bundle, seal: Seal) -> None:
    check_file, wrong = verifier().check_file, verifier().Wrong
    key, signature = verifier().read_key(str(seal.key)), made.signature or ""
    check_file(made.content, signature, key)
    for place in places(len(made.content), 200):
        with pytest.raises(wrong, match="not the one that was signed"):
            check_file(flipped(made.content, place), signature, key)
    raw = signature.encode()
    for place in range(len(raw)):
        with pytest.raises((wrong, ValueError)):
            check_file(made.content, flipped(raw, place).decode(), key)


@pytest.mark.parametrize(
    "name",
    ["checkpoint", "codes.csv", "events.jsonl", "evidence.json", "evidence.pdf", "keys.json", "manifest", "proofs.json",
     "verifier.key"],
)  # fmt: skip
def test_every_byte_of_every_member_is_held_by_verify(made: Bundle, seal: Seal, name: str) -> None:
    assert verdict(made.members, str(seal.key)) == ""
    whole = made.members[name]
    for place in places(len(whole), count(60, 0)):
        assert verdict({**made.members, name: flipped(whole, place)}, str(seal.key)) != "", place


def test_a_member_more_or_less_is_noticed(made: Bundle, seal: Seal) -> None:
    for name in made.members:
        less = {each: content for each, content in made.members.items() if each != name}
        assert verdict(less, str(seal.key)) != ""
    assert "not in the manifest" in verdict({**made.members, "note.txt": b"trust me"}, str(seal.key))


def test_two_members_of_one_name_are_noticed(made: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped(made.members))
    with pytest.warns(UserWarning), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("evidence.json", b"{}")
    with pytest.raises(verifier().Wrong, match="two members"):
        verifier().read_members(path)


# --- what had been seen, of a bundle that nothing seals --------------------------------------------------------------


def test_an_event_changed_after_the_decision_is_not_what_had_been_seen(school: OpenedSchool) -> None:
    """Nothing is signed here: whoever changed an event and all that rests on it would have to change the digest that
    was pinned, too."""
    made = made_of(school, case="PN-1")
    assert verdict(made.members, None) == ""
    forged = change_time(dict(made.members))
    assert "are not those that had been seen" in verdict(with_manifest(forged), None)


@pytest.mark.parametrize("forge", ["event", "line"])
def test_a_digest_changed_in_the_event_itself_is_noticed(school: OpenedSchool, forge: str) -> None:
    made = made_of(school, case="PN-1")
    rows, told = rows_of(made.members), data(made)
    row = rows[-1]
    assert row["topic"] == "notice.PenaltyReferred"
    old, lines = told["case"]["digest"], told["case"]["lines"]
    if forge == "line":
        lines[0] = lines[0].replace(" ", " 1", 1)
    told["case"]["digest"] = sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    if forge == "event":
        told["case"]["digest"] = old[::-1]
    state = base64.b64decode(row["state"]).replace(old.encode(), told["case"]["digest"].encode())
    row["state"] = base64.b64encode(state).decode()
    forged = {**with_rows(made.members, rows), "evidence.json": json.dumps(told).encode()}
    wanted = {"event": "are not those whose digest was pinned", "line": "are not those that had been seen"}
    assert wanted[forge] in verdict(with_manifest(forged), None)


def test_a_case_of_the_first_releases_which_pinned_no_digest_is_still_checked(school: OpenedSchool) -> None:
    """Their events keep their bytes, without the digest."""
    made = made_of(school, case="PN-1")
    rows, told = rows_of(made.members), data(made)
    state = json.loads(base64.b64decode(rows[-1]["state"]))
    del state["digest"]
    rows[-1]["state"] = base64.b64encode(json.dumps(state).encode()).decode()
    told["case"].update(digest="", lines=[])
    older = on_paper(made.members, {**with_rows(made.members, rows), "evidence.json": json.dumps(told).encode()})
    assert verdict(with_manifest(older), None) == ""
    told["case"].update(digest="0" * 64)
    forged = {**older, "evidence.json": json.dumps(told).encode()}
    assert "another digest than its event pinned" in verdict(with_manifest(forged), None)


# --- made up by somebody who can write a manifest, but not sign ------------------------------------------------------


def rows_of(members: Members) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members["events.jsonl"].splitlines()]


def with_rows(members: Members, rows: list[dict[str, Any]]) -> Members:
    return {**members, "events.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in rows)}


def with_json(members: Members, name: str, change: Callable[[Any], Any]) -> Members:
    content = json.loads(members[name])
    change(content)
    return {**members, name: json.dumps(content).encode()}


def change_event(members: Members) -> Members:
    rows = rows_of(members)
    row = next(row for row in rows if b'"c":"G"' in base64.b64decode(row["state"]))
    row["state"] = base64.b64encode(base64.b64decode(row["state"]).replace(b'"c":"G"', b'"c":"O"')).decode()
    return with_rows(members, rows)


def change_time(members: Members) -> Members:
    rows = rows_of(members)
    rows[20]["recorded_at"] += 1
    return with_rows(members, rows)


def change_school(members: Members) -> Members:
    rows = rows_of(members)
    rows[0]["recorded_at"] += 1
    return with_rows(members, rows)


def leave_out(members: Members, topic: str = "entry.MarkAmended") -> Members:
    rows = rows_of(members)
    gone = next(row for row in rows if row["topic"] == topic)
    rest = with_rows(members, [row for row in rows if row is not gone])
    return with_json(rest, "proofs.json", lambda proofs: proofs["rows"].pop(str(gone["position"])))


def leave_out_and_hide(members: Members) -> Members:
    """Leave an event out and pass it off as one that came later, of which only the hash is given."""
    rows = rows_of(members)
    gone = next(row for row in rows if row["topic"] == "entry.MarkAmended")
    stored = (gone["position"], gone["stream"], gone["version"], gone["topic"], gone["recorded_at"])
    hidden = {
        "owner": "1042/2025",
        "position": gone["position"],
        "leaf": base64.b64encode(leaf(*stored, base64.b64decode(gone["state"]))).decode(),
        "proof": json.loads(members["proofs.json"])["rows"][str(gone["position"])],
    }
    return with_json(leave_out(members), "proofs.json", lambda proofs: proofs["later"].append(hidden))


def leave_out_with_its_year(members: Members) -> Members:
    def change(proofs: Any) -> None:
        proofs["years"] = [year for year in proofs["years"] if not year["line"].startswith("1042/2025")]

    return with_json(leave_out(members), "proofs.json", change)


def recount_year(members: Members) -> Members:
    def change(proofs: Any) -> None:
        owner, rows, digest = proofs["years"][1]["line"].split(" ")
        proofs["years"][1]["line"] = f"{owner} {int(rows) - 1} {digest}"

    return with_json(leave_out(members), "proofs.json", change)


def swap_proofs(members: Members) -> Members:
    def change(proofs: Any) -> None:
        first, second = [place for place, proof in proofs["rows"].items() if proof][1:3]
        proofs["rows"][first], proofs["rows"][second] = proofs["rows"][second], proofs["rows"][first]

    return with_json(members, "proofs.json", change)


def swap_keys(members: Members) -> Members:
    def change(keys: Any) -> None:
        first, second = list(keys)[:2]
        keys[first], keys[second] = keys[second], keys[first]

    return with_json(members, "keys.json", change)


def wrong_key(members: Members) -> Members:
    return with_json(members, "keys.json", lambda keys: keys.update({next(iter(keys)): "A" * 43 + "="}))


def drop_key(members: Members) -> Members:
    return with_json(members, "keys.json", lambda keys: keys.pop(next(iter(keys))))


def told(change: Callable[[Any], Any]) -> Callable[[Members], Members]:
    return lambda members: with_json(members, "evidence.json", change)


def seven(members: Members) -> Members:
    """Let seven sessions meet the threshold, wherever it is stated."""

    def change(ev: Any) -> None:
        for rule in [*ev["settings"], *ev["penalty"]["rules"]]:
            if rule["setting"] == "penalty_threshold":
                rule["value"] = 7
        met = [each["session"] for each in ev["penalty"]["sessions"] if each["counts_as"] == "penalty"]
        ev["penalty"]["met_on"] = met[6]

    return with_json(members, "evidence.json", change)


def recoded(members: Members) -> Members:
    """Let leave in term time count as authorised."""
    table = members["codes.csv"].split(b"\n")
    at = next(at for at, line in enumerate(table) if line.startswith(b"G,"))
    table[at] = table[at].replace(b",1,0,1,", b",1,1,0,", 1)
    return {**members, "codes.csv": b"\n".join(table)}


def line_of(ev: Any, session: str) -> Any:
    return next(line for line in ev["register"] if line["session"] == session)


ILL = "2025-09-10/AM"
FORGED: dict[str, tuple[Callable[[Members], Members], str]] = {
    "event changed": (change_event, "the events of 1042/2025 are not all those that were sealed"),
    "time changed": (change_time, "the events of 1042/2025 are not all those that were sealed"),
    "school's event changed": (change_school, "is not the one that was sealed there"),
    "event left out": (leave_out, "there are 80 events, and 81 were sealed"),
    "event hidden": (leave_out_and_hide, "there is only a hash"),
    "year left out": (leave_out_with_its_year, "nothing shows that the events of 1042/2025 are complete"),
    "year recounted": (recount_year, "is not in the list of years"),
    "proof swapped": (swap_proofs, "is not the one that was sealed there"),
    "key swapped": (swap_keys, "does not open the text there"),
    "key wrong": (wrong_key, "does not open the text there"),
    "key dropped": (drop_key, "has no key, and nothing says why"),
    "reason rewritten": (told(lambda ev: line_of(ev, ILL)["entries"][1].update(reason="none")), f"entry of {ILL}"),
    "amendment hidden": (told(lambda ev: line_of(ev, ILL)["entries"].pop(0)), f"the entry of {ILL}"),
    "session dropped": (told(lambda ev: ev["register"].pop(3)), "other sessions than the calendar"),
    "counted otherwise": (told(lambda ev: line_of(ev, ILL).update(counts_as="attended")), "does not count as"),
    "certificate": (told(lambda ev: ev["certificate"].update(unauthorised=11)), "the certificate does not say"),
    "totals": (told(lambda ev: ev["totals"][0]["sessions"].pop()), "the totals are not those of the register"),
    "chronology": (told(lambda ev: ev["chronology"].pop(1)), "left out of the chronology"),
    "words": (told(lambda ev: ev["chronology"][0]["event"].update(said="nothing")), "the chronology does not say"),
    "name": (told(lambda ev: ev["about"].update(name="Another Child")), "the pupil's name is not that"),
    "parent": (told(lambda ev: ev["about"]["parents"][0].update(name="Z")), "the parents are not those"),
    "spells": (told(lambda ev: ev["about"].update(spells=[["2025-09-04", None]])), "the days on roll are others"),
    "class": (told(lambda ev: ev["about"].update(class_name="5T")), "the class is another"),
    "school": (told(lambda ev: ev["school"].update(name="Other")), "another school"),
    "policy": (told(lambda ev: ev.update(policy="micklem-2025")), "the policy in force was national-2024"),
    "case": (told(lambda ev: ev["case"]["sessions"].pop()), "the case is not as it was fixed"),
    "digest": (told(lambda ev: ev["case"].update(digest="0" * 64)), "another digest than its event pinned"),
    "no digest": (told(lambda ev: ev["case"].update(digest="", lines=[])), "another digest than its event pinned"),
    "digest of others": (told(lambda ev: ev["case"]["lines"].pop()), "are not those whose digest was pinned"),
    "no case": (told(lambda ev: ev.update(case=None)), "an event is later than the evidence"),
    "position": (told(lambda ev: ev.update(position=ev["position"] - 1)), "an event is later than"),
    "window": (told(lambda ev: ev["penalty"]["verdicts"].update(met=False)), "the window was miscounted"),
    "met on": (told(lambda ev: ev["penalty"].update(met_on="2025-10-10/AM")), "met on another session"),
    "threshold": (told(lambda ev: ev["penalty"]["rules"][1].update(value=11)), "penalty_threshold differs in it"),
    "threshold throughout": (seven, "the setting penalty_threshold is 7, and the ledger pinned 10"),
    "rules": (told(lambda ev: ev.update(rules="0" * 64)), "the rules are not those that the ledger pinned"),
    "table of codes": (recoded, "the table of codes is not the one that the ledger pinned"),
    "head": (told(lambda ev: ev.update(head="Nobody At All")), "the headteacher is not who was named"),
    "known later": (told(lambda ev: ev.update(known_at="2025-10-25T10:00:01+00:00")), "a case has another time"),
    "known after": (told(lambda ev: ev.update(known_at="2025-10-25T12:00:01+00:00")), "it was not known at"),
    "known before": (told(lambda ev: ev.update(known_at="2025-10-25T09:59:59+00:00")), "it was not known at"),
    "notices": (told(lambda ev: ev["notices"].append({})), "the notices are not those of the events"),
    "years": (told(lambda ev: ev["years"].append(2026)), "nothing shows that the events of 1042/2026"),
    "paper": (lambda members: {**members, "evidence.pdf": b"%PDF"}, "the paper was made of other evidence"),
    "cohort": (told(lambda ev: ev["absence"]["verdicts"].update(persistent=False)), "the verdict on absence is"),
    "to date": (told(lambda ev: ev["absence"]["counts"].update(absent=1)), "the year to date comes to"),
    "codes": (told(lambda ev: ev["codes"].pop()), "key of codes"),
    "no draft": (told(lambda ev: ev["blockers"].append({"rule": "x"})), "does not say that it is a draft"),
    "checkpoint": (told(lambda ev: ev["seal"].update(size=1)), "names another checkpoint"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_bundle_is_refused_by_its_name(made: Bundle, seal: Seal, forgery: str) -> None:
    """Manifest and paper are made to fit. It is not signed then, and where nobody asks for that, what it holds gives
    it away; so it does where the school itself has signed it."""
    forge, sentence = FORGED[forgery]
    changed = on_paper(made.members, forge(dict(made.members))) if forgery != "paper" else forge(dict(made.members))
    forged = with_manifest(changed)
    assert verdict(forged, str(seal.key)) == "the manifest is not signed"
    assert sentence in verdict(forged, str(seal.key), unsigned=True)
    private = seal.private
    assert private is not None
    assert sentence in verdict(with_manifest(changed, lambda text: note.sign(text, NAME, private)), str(seal.key))


def test_the_forgers_manifest_is_accepted_of_an_honest_bundle(made: Bundle, seal: Seal) -> None:
    """The negative control: what gives forgeries away is not the manifest."""
    assert verdict(with_manifest(dict(made.members)), str(seal.key), unsigned=True) == ""


def test_a_ledger_made_up_and_sealed_by_somebody_else_is_refused_with_the_schools_key(
    seal: Seal, tmp_path: Path
) -> None:
    from tests.evidence.bundles import sealed

    theirs = sealed(told_school(), tmp_path / "theirs")
    made = made_of(told := told_school(), sealed(told, tmp_path / "again"), "PN-1")
    assert verdict(made.members, None) == "", "with its own key it agrees with itself"
    assert "with a key that is not this one" in verdict(made.members, str(seal.key))
    assert "with a key that is not this one" in verdict(made.members, str(theirs.key))


def test_a_checkpoint_of_another_ledger_is_refused(made: Bundle, seal: Seal, tmp_path: Path) -> None:
    """Both signed by the school: the manifest is another matter than the events."""
    private = seal.private
    assert private is not None
    other = read(told_school().rows()).checkpoint(NAME)
    signed = note.sign(note.format_checkpoint(other), NAME, private)
    forged = with_manifest({**made.members, "checkpoint": signed.encode()}, lambda text: note.sign(text, NAME, private))
    assert "names another checkpoint" in verdict(forged, str(seal.key))


def test_a_signed_manifest_is_no_checkpoint_and_no_signature_of_a_file(made: Bundle, seal: Seal) -> None:
    """One key signs three kinds of text, and none of them can pass for another."""
    manifest = made.members["manifest"].decode()
    with pytest.raises(BadNote):
        note.parse_checkpoint(note.open_note(manifest, seal.key))
    with pytest.raises(BadNote):
        note.parse_checkpoint(note.open_note(made.signature or "", seal.key))
    assert verdict({**made.members, "checkpoint": made.members["manifest"]}, str(seal.key)) != ""


def test_each_key_is_held_against_the_commitment_to_it(
    made: Bundle, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    verifier().check(dict(made.members), str(seal.key))
    assert "first release" not in capsys.readouterr().out
    old = next(line for line in lines() if line.name == "MarkAmended sealed")
    row = {"position": old.position, "event": json.loads(old.state)}
    keys = {str(old.position): base64.b64encode(event_key(KEY, old.stream, old.version)).decode()}
    verifier().open_texts([row], keys, set())
    assert "whose commitment only the school can check" in capsys.readouterr().out
    assert row["said"]["reason"] == old.text["reason"]


def test_its_tree_is_the_ledgers(school: OpenedSchool) -> None:
    """verify.py is a second implementation: its leaf hashes and its walk up the tree are those of the ledger."""
    rows = school.rows()
    theirs = [verifier().leaf_of(row._asdict()) for row in rows]
    assert theirs == [leaf(*row) for row in rows]
    random = Random(7)
    for _ in range(count(300, 5_000)):
        size = random.randrange(1, 70)
        leaves = [leaf_hash(bytes([each])) for each in range(size)]
        index, tree = random.randrange(size), Tree(leaves)
        proof, root = b"".join(tree.prove_inclusion(index)), tree.root()
        stands = verifier().SignedTree(size, root).holds
        assert stands(leaves[index], index, proof)
        assert not stands(leaves[index], index, proof + leaves[0])
        assert not stands(leaf_hash(b"other"), index, proof)
        assert not stands(leaves[index], index ^ 1, proof) or size == 1
        assert not stands(leaves[index], index, proof[:-32]) or size == 1
        assert not stands(leaves[index], index, proof[:-1] + bytes([proof[-1] ^ 1])) if proof else size == 1


def test_what_was_proved_of_one_leaf_shows_no_other_than_is_there() -> None:
    """Nodes proved for one leaf are not walked again for the next: each forgery comes after every honest proof."""
    for size in range(1, 20):
        leaves = [leaf_hash(bytes([each])) for each in range(size)]
        tree = Tree(leaves)
        proofs = [b"".join(tree.prove_inclusion(index)) for index in range(size)]
        shown = verifier().SignedTree(size, tree.root())
        assert all(shown.holds(leaves[index], index, proofs[index]) for index in range(size))
        for index, proof in enumerate(proofs):
            assert shown.holds(leaves[index], index, proof)
            for at in range(0, len(proof), 16):
                assert not shown.holds(leaves[index], index, flipped(proof, at))
            assert not shown.holds(leaves[index], index, proof + leaves[0])
            assert not shown.holds(leaf_hash(b"other"), index, proof)
            for other in (*range(index), *range(index + 1, size + 2), -1):
                assert not shown.holds(leaves[index], other, proof)
