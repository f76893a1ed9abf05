"""Check a bundle of evidence about one pupil's attendance, without the program that made it and without a network.

    python3 -I verify.py [BUNDLE] [--key KEY] [--unsigned]

BUNDLE is the zip file, or the folder that it was unpacked in; left out, the folder of this file. Run a verify.py that
you got elsewhere and whose SHA-256 is the published one: the one that lies in a bundle says what its maker likes. KEY
is the verifier key of the school's seal (one line, name+hash+key), as somebody other than the maker of the bundle
handed it to you: with the key that lies in the bundle everything can agree and still all be made up. Beside a zip file
its signature, BUNDLE.sig, is checked too. It prints what it checked, last what that proves and of what, and ends with
0; or it names the first thing that is wrong and ends with 1.

What it knows, it knows from the law and from these formats: Merkle trees of RFC 9162, signed notes and checkpoints of
C2SP (Ed25519), and the codes of the School Attendance (Pupil Registration) (England) Regulations 2024. Python 3.11 or
later and the package `cryptography` are all it needs. Whatever it reads may be hostile: it imports nothing that lies
beside it, unpacks no more than a bundle can hold, and prints nothing that a terminal would obey.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":  # what lies beside this file, or where it is run, is no module: it came with the bundle
    beside = {os.path.realpath(each) for each in (os.path.dirname(__file__), os.getcwd())}
    sys.path = [each for each in sys.path if os.path.realpath(each) not in beside]
    if sys.version_info < (3, 11):  # noqa: UP036 whoever runs this may have an older one
        sys.exit("WRONG nothing was checked: Python 3.11 or later is needed")

import argparse
import base64
import binascii
import csv
import gc
import hmac
import io
import json
import zipfile
from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    sys.exit("WRONG nothing was checked: the package cryptography is not installed")

if TYPE_CHECKING:  # for whoever checks types: nothing of it is there, or asked for, when this runs
    from commands.evidence.members import Evidence, Mark, Notice, Row, Said, Told, Year

ATTENDED = {"/", "\\", "L", "K", "V", "P", "W", "B", "J"}
AUTHORISED = {"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T", "H", "F"}
UNAUTHORISED = {"G", "N", "O", "U"}
KINDS = {"attended": ATTENDED, "authorised": AUTHORISED, "unauthorised": UNAUTHORISED}
COUNTS = ("attended", "authorised", "unauthorised", "not possible", "missing", "not on roll")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TOLD = ("follow-up", "leave", "notice")
WITHDRAWN = "notice.NoticeWithdrawn"
MEMBERS = (
    "README.txt", "checkpoint", "codes.csv", "events.jsonl", "evidence.json", "evidence.pdf", "keys.json", "manifest",
    "proofs.json", "verifier.key", "verify.py",
)  # fmt: skip
MOST_MEMBERS = 100  # in a zip file, and
MOST_BYTES = 32 << 20  # of all of it, packed or unpacked
LAST = "\U0010ffff"  # after every line
LONGEST_LINE = 700  # characters that are printed


class Wrong(Exception):
    """What is wrong with the bundle, in one sentence."""


def need(holds: object, sentence: str) -> None:
    if not holds:
        raise Wrong(sentence)


def out(line: str) -> None:
    """Print a line; what a terminal would obey, or what turns the order of reading, is written as an escape."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
    print(shown if len(shown) <= LONGEST_LINE else shown[:LONGEST_LINE] + " …")


def say(sentence: str) -> None:
    out("ok    " + sentence)


def note(sentence: str) -> None:
    out("note  " + sentence)


def _no_number(text: str) -> NoReturn:
    raise Wrong(f"{text} is no number that a bundle can hold")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    need(len(found := dict(pairs)) == len(pairs), "a text says one thing twice")
    return found


decoder = json.JSONDecoder(parse_constant=_no_number)
strict = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_each_once)


def parse(text: str) -> Any:  # what is not as it must be stumbles where it is read
    """Return what a JSON text says, with nothing before it or after: for many short ones quicker than json.loads."""
    said, end = decoder.raw_decode(text)
    need(end == len(text), "a text goes on after its end")
    return said


def plain(text: str | bytes) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


# --- hashes, proofs, signatures -------------------------------------------------------------------------------------


def leaf_of(row: Row) -> bytes:
    """Return the hash of a stored row: every field with its length before it, under the prefix of leaves."""
    fields = (row["position"], row["stream"], row["version"], row["topic"], row["recorded_at"])
    parts = [*(str(each).encode() for each in fields), row["state"]]
    return sha256(b"\x00" + b"".join([len(part).to_bytes(8, "big") + part for part in parts])).digest()


class SignedTree:
    """A tree whose size and root were signed. Each node that a proof has reached is not proved again for the next."""

    def __init__(self, size: int, root: bytes) -> None:
        self.size = size
        self.proved = {(0, 0): (root, b"")}  # index and last index of the node's level: its hash, the proof from there

    def holds(self, node: bytes, index: int, proof: bytes) -> bool:
        """Return whether a leaf stands at an index (RFC 9162, section 2.1.3.2)."""
        last, walked = self.size - 1, {}
        while self.proved.get((index, last)) != (node, proof):
            if not 0 <= index <= last or last == 0 or len(proof) < 32:
                return False
            walked[index, last] = node, proof
            step, proof = proof[:32], proof[32:]
            if index & 1 or index == last:
                node = sha256(b"\x01" + step + node).digest()
                while not index & 1:
                    index, last = index >> 1, last >> 1
            else:
                node = sha256(b"\x01" + node + step).digest()
            index, last = index >> 1, last >> 1
        self.proved.update(walked)
        return True


def read_key(text: str) -> tuple[str, bytes, bytes]:
    """Return name, public key and key id of a verifier key."""
    need(text.count("+") >= 2, "this is no verifier key of a seal")
    name, told, encoded = text.strip().split("+", 2)
    raw = plain(encoded)
    key_id = sha256(name.encode() + b"\n" + raw).digest()[:4]
    need(raw[:1] == b"\x01" and len(raw) == 33 and key_id.hex() == told, "this is no verifier key of a seal")
    return name, raw[1:], key_id


def open_note(note: str, key: tuple[str, bytes, bytes], what: str) -> str:
    """Return the text of a note that was signed with the key, once and by nobody else."""
    name, public, key_id = key
    text, found, line = note.rpartition("\n\n")
    dash, rest, end = line[:2], line[2:-1], line[-1:]
    signer, _, encoded = rest.rpartition(" ")
    need(found and dash == "— " and end == "\n" and "\n" not in rest, f"{what} is not signed")
    raw = plain(encoded)
    need(base64.b64encode(raw).decode() == encoded, f"the signature of {what} is not written as signatures are")
    need(signer == name and raw[:4] == key_id, f"{what} is signed by {signer!r} with a key that is not this one")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], (text + "\n").encode())
    except InvalidSignature:
        raise Wrong(f"the signature of {what} does not hold: it was changed, or signed by somebody else") from None
    return text + "\n"


# --- what is in the bundle ------------------------------------------------------------------------------------------


def read_members(path: Path) -> dict[str, bytes]:
    """Return the members of a bundle by name; of what lies in a folder and is no member the name only."""
    if path.is_dir():
        files = {each.name: each for each in path.iterdir() if each.is_file()}
        mine = {name: each for name, each in files.items() if name in MEMBERS and not each.is_symlink()}
        need(sum(each.stat().st_size for each in mine.values()) <= MOST_BYTES, "it is longer than bundles are")
        return {name: mine[name].read_bytes() if name in mine else b"" for name in files}
    need(path.stat().st_size <= MOST_BYTES, "it is longer than bundles are")
    raw = path.read_bytes()
    directory, begins = int.from_bytes(raw[-10:-6], "little"), raw[-42:-38]
    need(raw[-22:-18] == b"PK\x05\x06" and begins != b"PK\x06\x07", "this is no zip file as bundles are")
    need(directory <= 200 * MOST_MEMBERS, "the zip file holds more members than bundles do")
    with zipfile.ZipFile(path) as archive:
        listed = archive.infolist()
        need(len(listed) <= MOST_MEMBERS, "the zip file holds more members than bundles do")
        need(len({each.filename for each in listed}) == len(listed), "the zip file holds two members of one name")
        for each in listed:
            kind, packed = each.external_attr >> 28, each.compress_type
            need(kind in (0, 0o10), f"the member {each.filename} is no plain file")
            need(not each.flag_bits & 1, f"the member {each.filename} is encrypted")
            known = packed in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            need(known, f"the member {each.filename} is packed in another way than bundles are")
        need(sum(each.file_size for each in listed) <= MOST_BYTES, "unpacked it is longer than bundles are")
        return {each.filename: archive.read(each) for each in listed}


def check_file(content: bytes, signature: str, key: tuple[str, bytes, bytes]) -> None:
    """Check the detached signature over the zip file."""
    text = open_note(signature, key, "the zip file")
    digest = sha256(content).hexdigest()
    need(text == f"attendance evidence file\nsha256 {digest}\n", "the zip file is not the one that was signed")
    say("the zip file is, to the byte, the one that was signed")


def check_manifest(
    members: dict[str, bytes], key: tuple[str, bytes, bytes] | None, exact: bool, unsigned: bool
) -> bool:
    """Check that the members are those of the manifest. Return whether it is signed, which `unsigned` does not ask."""
    need("manifest" in members, "the bundle has no manifest")
    manifest = members["manifest"].decode()
    signed = key is not None and ("\n\n" in manifest or not unsigned)
    text = open_note(manifest, key, "the manifest") if key and signed else manifest
    title, *lines = text.split("\n")
    need(title == "attendance evidence" and lines.pop() == "", "the manifest does not begin and end as manifests do")
    listed = [line[66:] for line in lines]
    need(listed == sorted(set(listed)) and "manifest" not in listed, "the manifest does not list each member once")
    for line, name in zip(lines, listed, strict=True):
        need(name in members, f"the member {name} is missing")
        need(line == f"{sha256(members[name]).hexdigest()}  {name}", f"the member {name} is not that of the manifest")
    extra = sorted(set(members) - set(listed) - {"manifest"})
    need(not (exact and extra), f"the member {extra[:1]} is not in the manifest")
    for name in extra[:MOST_MEMBERS]:
        note(f"{name} lies here and is no part of the bundle")
    say(f"{len(listed)} members are those of the manifest" + (", which is signed" if signed else ""))
    return signed


def read_rows(raw: bytes) -> list[Row]:
    """Return the stored rows, each with its hash, its event and the owner of its stream; in order of position."""
    rows: list[Row] = parse("[" + raw.decode().removesuffix("\n").replace("\n", ",") + "]")
    for row in rows:
        row["state"] = plain(row["state"])
        row["leaf"] = leaf_of(row)
        row["event"] = parse(row["state"].decode())
        name, _, rest = row["stream"].partition("/")
        row["owner"] = f"{name}/{int(rest[:4]) if rest[:4].isdecimal() else 0}"
        row["at"] = (EPOCH + timedelta(microseconds=row["recorded_at"])).isoformat()
    positions = [row["position"] for row in rows]
    need(positions == sorted(set(positions)), "the events are not in order of position")
    return rows


def leaves_of(rows: list[Row]) -> dict[str, dict[int, bytes]]:
    """Return the hashes of rows by position, by their owner."""
    owned: dict[str, dict[int, bytes]] = {}
    for row in rows:
        owned.setdefault(row["owner"], {})[row["position"]] = row["leaf"]
    return owned


def line_of(owner: str, leaves: dict[int, bytes]) -> str:
    """Return what is signed, and pinned, of an owner's rows: how many there are, and the SHA-256 over their hashes."""
    return f"{owner} {len(leaves)} {sha256(b''.join(leaves[place] for place in sorted(leaves))).hexdigest()}"


class Years:
    """Lines of the list that was sealed beside the ledger: for each pupil's school year, and the school's, how many
    events there are and the digest of their hashes. The list is sorted, so two neighbours in it show that there is
    nothing between them."""

    def __init__(self, shown: list[Year], tree: SignedTree) -> None:
        self.size = tree.size
        self.lines = {each["index"]: each["line"] for each in shown}
        for each in shown:
            leaf = sha256(b"\x00" + each["line"].encode()).digest()
            holds = tree.holds(leaf, each["index"], plain(each["proof"]))
            need(holds, f"the line of {place_of(each['line'])} is not in the list of years that was sealed")
        for index, line in self.lines.items():
            need(self.lines.get(index - 1, "") < line, "the list of years that was sealed is not in order")
        self.index_of = {place_of(line): index for index, line in self.lines.items()}

    def line(self, place: str) -> str:
        """Return the line of a year such as `1042/2025`, blank where neighbours show that there is none."""
        if place in self.index_of:
            return self.lines[self.index_of[place]]
        begins = f"{place} "
        for index, line in self.lines.items():
            after = self.lines.get(index + 1, LAST if index + 1 == self.size else "")
            if line < begins < after or (index == 0 and begins < line):
                return ""
        raise Wrong(f"nothing shows that the events of {place} are complete, or that there are none")

    def earlier(self, first: int) -> list[int]:
        """Return the school's years in the list before one that is there."""
        index, found = self.index_of.get(f"school/{first}", 0), list[int]()
        while True:
            index -= 1
            need(index in self.lines, f"nothing shows whether the school had a year before {first}")
            name, _, year = place_of(self.lines[index]).partition("/")
            if (name, year) == ("school", "0"):
                return found
            need(name == "school", "the list of years has no line of what is of no single year")
            found.append(int(year))


def place_of(line: str) -> str:
    return line.partition(" ")[0]


def check_seal(members: dict[str, bytes], rows: list[Row], ev: Evidence, key: tuple[str, bytes, bytes]) -> Years:
    """Check that every row is in the ledger that was signed, and that the pupil's rows are all there are. Return the
    list of years, which says whether other years have any."""
    signed = open_note(members["checkpoint"].decode(), key, "the checkpoint")
    origin, size, root, years, *_, end = signed.split("\n")  # after the years: until when, and by which rules
    word, year_count, year_root = years.split(" ")
    need(origin == key[0] and word == "years" and not end, "the checkpoint is not written as checkpoints are")
    sealed = {"origin": origin, "size": int(size), "root": plain(root).hex()}
    need(ev["seal"] == sealed, "the evidence names another checkpoint")
    ledger = SignedTree(int(size), plain(root))
    proofs = strict.decode(members["proofs.json"].decode())
    listed = Years(proofs["years"], SignedTree(int(year_count), plain(year_root)))
    need(list(proofs["rows"]) == [str(row["position"]) for row in rows], "there is not one proof for each event")
    owned, own = leaves_of(rows), ev["pupil"] + "/"
    for row, proof in zip(rows, proofs["rows"].values(), strict=True):
        if proof or not row["owner"].startswith(own):  # the pupil's own are held by the lines of their years, below
            holds = ledger.holds(row["leaf"], row["position"] - 1, plain(proof))
            need(holds, f"the event at position {row['position']} is not the one that was sealed there")
    owned = {owner: leaves for owner, leaves in owned.items() if owner.startswith(own)}
    begun, last = set(), ev["position"]
    for later in proofs["later"]:
        place, leaf, owner = later["position"], plain(later["leaf"]), later["owner"]
        need(place > ev["position"], f"of position {place}, before the moment of the evidence, there is only a hash")
        need(place > last, "the later events are not in order of position")
        if owner not in begun:  # its line has the events in order: what comes after this one came later, too
            holds = ledger.holds(leaf, place - 1, plain(later["proof"]))
            need(holds, f"the later event at position {place} is not the one that was sealed there")
        need(place not in owned.setdefault(owner, {}), f"position {place} is there twice")
        owned[owner][place], last = leaf, place
        begun.add(owner)
    asked = [f"{ev['pupil']}/{year}" for year in (0, *ev["years"])]
    for owner in asked:
        line, leaves = listed.line(owner), owned.pop(owner, {})
        count = line.split(" ")[1] if line else "0"
        need(len(leaves) == int(count), f"of {owner} there are {len(leaves)} events, and {count} were sealed")
        need(not line or line_of(owner, leaves) == line, f"the events of {owner} are not all those that were sealed")
    need(not owned, f"nothing shows that the events of {sorted(owned)[:1]} are complete")
    none = [owner for owner in asked if not listed.line(owner)]
    here = [owner for owner in asked if owner not in none]
    say(f"{len(rows)} events are in the ledger as it was sealed at position {size}")
    say(f"they are all there are of {', '.join(here)} (and {len(proofs['later'])} later ones, as hashes only)")
    if none:
        say(f"of {', '.join(none)} there are none: the list of years that was sealed has no such line")
    note("that is the pupil's own streams: nothing shows that no event of the school's was left out")
    return listed


def open_texts(rows: list[Row], keys: dict[str, str], withheld: set[int]) -> None:
    """Put back the text of every event whose key is here, after checking the commitment to it that was sealed with it:
    it shows that no other key could have been given, which would open another text."""
    opened = uncommitted = 0
    sealed = {str(row["position"]) for row in rows if "x" in row["event"]}
    need(set(keys) <= sealed, "there is a key for an event that has no sealed text")
    for row in rows:
        row["said"] = row["event"].copy()
        row["said"].pop("x", None)
        place = row["position"]
        if "x" not in row["event"] or str(place) not in keys:
            row["open"] = "x" not in row["event"]
            need(row["open"] or place in withheld, f"the text at position {place} has no key, and nothing says why")
            continue
        blob, key = plain(row["event"]["x"]), plain(keys[str(place)])
        uncommitted += blob[12:44] != hmac.digest(key, b"attendance commitment", "sha256")
        try:
            text = AESGCM(key).decrypt(blob[:12], blob[44:], blob[12:44])
        except InvalidTag:
            raise Wrong(f"the key for position {place} does not open the text there") from None
        row["said"].update(parse(text.decode()))
        row["open"] = True
        opened += 1
    say(f"{opened} sealed texts open, each with its own key; {len(sealed) - opened} stay sealed")
    if uncommitted:
        note(f"the first release sealed {uncommitted} of them, whose commitment only the school can check")


# --- the school and the pupil, from the events ----------------------------------------------------------------------


def in_london(day: date, clock: str) -> datetime:
    """Return a time on London's clocks: an hour ahead between the last Sundays of March and October."""
    march, october = date(day.year, 3, 31), date(day.year, 10, 31)
    begins, ends = (last - timedelta(days=(last.weekday() + 1) % 7) for last in (march, october))
    offset = timedelta(hours=1 if begins <= day < ends else 0)
    return datetime.combine(day, time.fromisoformat(clock), UTC) - offset


class Known:
    """What the events say: the calendar, the policies, the pupil's days on roll, the notices, the entries."""

    def __init__(self, rows: list[Row], ev: Evidence) -> None:
        self.kinds = KINDS
        self.pupil, self.as_of = ev["pupil"], date.fromisoformat(ev["as_of"])
        self.known_at = datetime.fromisoformat(ev["known_at"])
        self.years: dict[int, Said] = {}
        self.opened_later: set[int] = set()
        self.policies: list[Said] = []  # as adopted, by the day from which they are in force
        self.heads: list[Said] = []
        self.spells: list[tuple[str, str | None]] = []
        self.notices: dict[str, Said] = {}  # that stand
        self.issued: dict[str, Notice] = {}  # all, as the evidence writes them
        self.entries: dict[str, list[Mark]] = {}
        self.received: dict[str, Said] = {}  # by former school: what its record said last
        self.about: Said = {}
        self.placements: dict[str, tuple[str, str]] = {}
        for row in rows:
            if row["position"] <= ev["position"]:
                self._take(row, row["said"])
            elif row["stream"].startswith("school/") and row["version"] == 1 and row["stream"].count("/") == 1:
                self.opened_later.add(int(row["stream"][7:]))
        self.days = sorted(day for year in self.years.values() for day in self._school_days(year))

    def _take(self, row: Row, said: Said) -> None:
        kind, owner, place = said["type"], row["owner"], row["stream"].split("/")
        need(row["topic"].endswith("." + kind), f"the event at position {row['position']} is filed as another")
        if kind == "SchoolOpened":
            self.school = {"urn": said["urn"], "name": said["name"], "la": said["la"], "estab": said["estab"]}
            self.simulated = said["simulated"]
            self.policies.append({**said, "from_day": ""})
        elif kind == "PolicyAdopted":
            self.policies.append(said)
            self.policies.sort(key=lambda adopted: str(adopted["from_day"]))
        elif kind == "RoleNamed" and said["role"] == "headteacher":
            self.heads.append(said)
            self.heads.sort(key=lambda named: str(named["from_day"]))
        elif kind in ("SchoolYearOpened", "CalendarAmended"):
            self.years.setdefault(said["year"], {}).update({"closed": [], **said})
        elif owner.startswith(self.pupil + "/") and len(place) == 4 and place[3] in ("AM", "PM"):
            self.entries.setdefault(f"{place[2]}/{place[3]}", []).append(self._mark(row, said))
        elif place[:2] == [self.pupil, "roll"]:
            self._take_roll(said)
        elif place[:2] == [self.pupil, "notice"] and kind == "NoticeIssued":
            self.notices[place[2]] = said
            self.issued[place[2]] = {
                "notice": place[2], "parent": said["parent"], "issued_on": said["issued_on"],
                "sessions": sorted(said["ss"]), "position": row["position"], "withdrawn_at": None,
            }  # fmt: skip
        elif place[:2] == [self.pupil, "notice"] and kind == "NoticeWithdrawn":
            self.notices.pop(place[2], None)
            self.issued[place[2]]["withdrawn_at"] = row["at"]

    def _take_roll(self, said: Said) -> None:
        kind = said["type"]
        if kind == "PupilAdmitted":
            self.spells.append((said["starting_day"], None))
            self.about = {"name": "", "upn": "", "born": "", "sex": "", **said}
            self.school_age = [said["school_age_first"], said["school_age_last"]]
        elif kind == "ParticularsAmended":
            self.about.update(said.get("particulars", {}))
            if said.get("school_age_first") and said.get("school_age_last"):
                self.school_age = [said["school_age_first"], said["school_age_last"]]
        elif kind == "ContactsChanged":
            self.about.update({"parents": said["parents"], "contacts": said.get("contacts", [])})
        elif kind == "RecordReceived":
            self.received[said["urn"]] = said
        elif kind == "PupilRemoved":
            self.spells[-1] = self.spells[-1][0], said["last_day"]
        if kind in ("PupilAdmitted", "ClassChanged"):
            start = said["starting_day"] if kind == "PupilAdmitted" else said["from_day"]
            self.placements[start] = (said["year_group"], said["class_name"])

    @staticmethod
    def _mark(row: Row, said: Said) -> Mark:
        """Return what one event says of its entry, as the evidence writes it."""
        imported, amends = said["type"] == "MarkAsserted", said["type"] == "MarkAmended"
        hidden = "" if row["open"] else "(sealed)"
        return {
            "code": said["c"],
            "detail": said.get("detail", "" if amends else hidden),
            "recorded_at": row["at"],
            "by": dict(zip(("name", "title"), said.get("by", ["", "", ""])[1:], strict=True)),
            "reason": (said.get("reason", "") or hidden) if amends else "",
            "position": row["position"],
            "via": "import" if imported else said.get("via", "office" if amends else "register"),
            "cites": f"sha256:{said['source']}" if imported else said.get("cites", ""),
        }

    @staticmethod
    def _school_days(year: Said) -> list[date]:
        """Return the days of a school year that have sessions: Monday to Friday, and not closed."""
        first, last = date.fromisoformat(year["first_day"]), date.fromisoformat(year["last_day"])
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        closed = [(each[0], each[1]) for each in year["closed"]]
        return [d for d in days if d.weekday() < 5 and not any(a <= d.isoformat() <= b for a, b in closed)]

    def closes(self, session: str) -> datetime | None:
        """Return when registration of a session closes, None for one that the school does not have."""
        day = date.fromisoformat(session[:10])
        place = bisect_right(self.days, day)
        if not place or self.days[place - 1] != day:
            return None
        year = next(y for y in self.years.values() if y["first_day"] <= session[:10] <= y["last_day"])
        return in_london(day, year["hours"][session.endswith("PM")][1])

    def on_roll(self, session: str) -> bool:
        return any(first <= session[:10] and (not last or session[:10] <= last) for first, last in self.spells)

    def code(self, session: str) -> str | None:
        return self.entries[session][-1]["code"] if session in self.entries else None

    def counts_as(self, session: str) -> str:
        code = self.code(session)
        if not self.on_roll(session):
            return "not on roll"
        if code is None:
            closes = self.closes(session)
            return "missing" if closes is not None and closes <= self.known_at else "not possible"
        return next((kind for kind, codes in self.kinds.items() if code in codes), "not possible")

    def elsewhere(self) -> dict[str, str]:
        """Return the codes that former schools' records hold of sessions while not on roll here, each once."""
        found: dict[str, str] = {}
        for said in self.received.values():
            found = {**said.get("marks", {}), **found}
        return {session: code for session, code in found.items() if not self.on_roll(session)}

    def window(self, weeks: int) -> list[date]:
        """Return the Mondays of the last so many school weeks that had begun by the day asked about."""
        first = [day for place, day in enumerate(self.days) if not place or monday(day) != monday(self.days[place - 1])]
        begun = bisect_right(first, self.as_of)
        return [monday(day) for day in first[max(0, begun - weeks) : begun]]

    def begun(self) -> Said:
        """Return the last school year that had begun by the day asked about."""
        begun = [year for year in self.years.values() if year["first_day"] <= self.as_of.isoformat()]
        need(begun, "no school year had begun by the day that it is about")
        return max(begun, key=lambda year: year["first_day"])

    def sessions(self, first: str, last: str) -> list[str]:
        """Return the sessions from one day to another: those of the calendar while on roll, and those with a mark."""
        had = {f"{day}/{half}" for day in self.days for half in ("AM", "PM")}
        mine = {session for session in had if self.on_roll(session)} | set(self.entries)
        return sorted(session for session in mine if first <= session[:10] <= last)


# --- what the evidence says -----------------------------------------------------------------------------------------


def case_event(ev: Evidence, rows: list[Row]) -> Said:
    """Return the event that fixed the case, empty where there is none."""
    place = ev["case"]["position"] if ev["case"] else 0
    none: Said = {}
    return next((row["said"] for row in rows if row["position"] == place), none)


def check_header(ev: Evidence, known: Known, rows: list[Row]) -> None:
    """Check whom and what the evidence is about, and what fixed it."""
    case, pupil = ev["case"], ev["pupil"]
    withdrawn = case["withdrawn"] if case else None
    pinned = {case["position"], withdrawn["position"] if withdrawn else 0} if case else set()
    for row in rows:
        owner = row["owner"].partition("/")[0]
        later = row["position"] > ev["position"] and owner != "school" and row["position"] not in pinned
        need(not later, "an event is later than the evidence")
        need(owner in (pupil, "school"), f"the event at position {row['position']} is somebody else's")
        others = set(row["said"].get("pupils", [])) - {pupil} if owner == "school" else set()
        need(not others, f"the event at position {row['position']} names another pupil")
    need(ev["simulated"] == known.simulated and ev["school"] == known.school, "the evidence names another school")
    in_force = [adopted["policy"] for adopted in known.policies if adopted["from_day"] <= ev["as_of"]][-1]
    if case:
        said = case_event(ev, rows)
        need(said.get("type") == case["event"] and said["parent"] == case["parent"], "another event fixed the case")
        undone = [row for row in rows if row["position"] > ev["position"] and row["topic"] == WITHDRAWN]
        need([told(row) for row in undone] == [withdrawn] * bool(withdrawn), "the withdrawal of the notice is another")
        on = said.get("referred_on") or said.get("issued_on")
        need(case["on"] == ev["as_of"] == on and said["ss"] == case["sessions"], "the case is not as it was fixed")
        need(
            ev["position"] == (said.get("seen") or case["position"] - 1),
            "the evidence is not as of what the case had seen",
        )
        in_force = said.get("policy", in_force)
    need(ev["policy"] == in_force, f"the policy in force was {in_force}")
    need(ev["draft"] or not ev["blockers"], "there are blockers, and the evidence does not say that it is a draft")
    about = ev["about"]
    theirs = dict(about)
    for name in ("name", "upn", "born", "sex"):
        need(theirs[name] == known.about.get(name, ""), f"the pupil's {name} is not that of the admission register")
    contacts = {each["id"]: each for each in known.about.get("contacts", [])}
    parents = [
        {"id": each, **{name: contacts.get(each, {}).get(name, "") for name in ("name", "relationship")}}
        for each in known.about.get("parents", [])
    ]
    need(about["parents"] == parents, "the parents are not those of the admission register")
    need(
        about["spells"] == [*map(list, known.spells)] and about["school_age"] == known.school_age,
        "the days on roll are others",
    )
    begun = [start for start in sorted(known.placements) if start <= ev["last_day"]] or sorted(known.placements)[:1]
    need((about["year_group"], about["class_name"]) == known.placements[begun[-1]], "the class is another")
    say(f"the particulars are those of the admission register, the policy {in_force} was in force")
    named = [each["holders"] for each in known.heads if each["from_day"] <= ev["as_of"]]
    need(ev["head"] == (named[-1][0][1] if named and named[-1] else ""), "the headteacher is not who was named as that")
    note("nothing shows that nobody was named as headteacher since, and no other policy adopted: the school's word")


def check_rules(ev: Evidence, known: Known, rows: list[Row], table: bytes) -> dict[str, Any]:  # of any kind
    """Check that the settings are those that the ledger pinned when it adopted the policy, and what codes count as.
    Return the settings by name."""
    stated = {rule["setting"]: (rule["value"], rule["source"]) for rule in ev["settings"]}
    for rule in [*ev["penalty"]["rules"], *ev["absence"]["rules"]]:
        need(stated[rule["setting"]] == (rule["value"], rule["source"]), f"the setting {rule['setting']} differs in it")
    decided_by = case_event(ev, rows).get("rules", "")
    adopted = [each for each in known.policies if each["policy"] == ev["policy"]]
    in_force = [each for each in adopted if each["from_day"] <= ev["as_of"]][-1:]
    pinned = [each for each in adopted if each.get("settings")]
    if not pinned:
        note("the first releases pinned no policy: that these are its settings is the school's word")
        return {name: value for name, (value, _) in stated.items()}
    wanted = decided_by or rules_of((in_force or pinned[-1:])[0])
    found = [each for each in pinned if rules_of(each) == wanted]
    need(found and ev["rules"] == wanted, "the rules are not those that the ledger pinned")
    settings = {name.replace(".", "_"): (s["value"], s["source"]) for name, s in found[0]["settings"].items()}
    for name in sorted({*settings, *stated}):
        theirs = stated.get(name, ("not there", ""))[0]
        mine = settings.get(name, ("not there", ""))[0]
        need(stated.get(name) == settings.get(name), f"the setting {name} is {theirs}, and the ledger pinned {mine}")
    need(sha256(table).hexdigest() == found[0]["codes"], "the table of codes is not the one that the ledger pinned")
    listed = list(csv.DictReader(table.decode().splitlines()))
    known.kinds = {
        "attended": {code["symbol"] for code in listed if code["attended"] == "1"},
        "authorised": {code["symbol"] for code in listed if (code["absent"], code["authorised"]) == ("1", "1")},
        "unauthorised": {code["symbol"] for code in listed if (code["absent"], code["authorised"]) == ("1", "0")},
    }
    for kind, codes in KINDS.items():
        for code in sorted(codes - known.kinds[kind]):
            note(f"the code {code} is {kind} by the regulations of 2024, and is not so in the table that was pinned")
    say(f"the {len(settings)} settings and the table of codes are those that the ledger pinned: rules {wanted}")
    return {name: value for name, (value, _) in stated.items()}


def rules_of(said: Said) -> str:
    """Return the digest of the policy that an event keeps, with its table of codes: SHA-256 over JSON with the keys in
    order and no blanks."""
    kept = dict(said)
    whole = {"name": kept["policy"], **{name: kept[name] for name in ("title", "edition", "settings", "codes")}}
    return sha256(json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_moment(ev: Evidence, known: Known, rows: list[Row]) -> None:
    """Check that the time of the knowledge fits its position, as far as events that are shown say when they were."""
    stamps = [row["recorded_at"] for row in rows]
    need(stamps == sorted(stamps), "the recorded times run backwards")
    need(type(ev["position"]) is int, "the position is no number")
    before = [row for row in rows if row["position"] <= ev["position"]][-1]
    after = next((row for row in rows if row["position"] > ev["position"]), None)
    begins = datetime.fromisoformat(before["at"])
    ends = datetime.fromisoformat(after["at"]) if after else None
    fits = begins <= known.known_at and (ends is None or known.known_at <= ends)
    need(fits, f"it was not known at {ev['known_at']} what the ledger held at position {ev['position']}")
    need(not ev["case"] or known.known_at == begins or before["position"] != ev["position"], "a case has another time")
    if before["position"] == ev["position"] and known.known_at == begins:
        say(f"the event at position {before['position']} was recorded at {before['at']}, which is the time of it all")
        return
    until = f", and that at {after['position']} at {after['at']}" if after else ""
    says = f"the event at position {before['position']} was recorded at {before['at']}{until}"
    note(f"{says}; that all was known at {ev['known_at']}, between, is the school's word")


def check_pin(ev: Evidence, rows: list[Row]) -> None:
    """Check the digest that the event of a case pinned of what had been seen: the SHA-256 over a line for each school
    year of the pupil's. The lines of the years that are here are made again."""
    case, digest = ev["case"], case_event(ev, rows).get("digest", "")
    need(not case or case["digest"] == digest, "the case names another digest than its event pinned")
    if not case or not digest:
        return  # no case, or one of the first releases
    joined = "".join(f"{line}\n" for line in case["lines"])
    need(sha256(joined.encode()).hexdigest() == digest, "the lines are not those whose digest was pinned")
    here = {f"{ev['pupil']}/{year}" for year in (0, *ev["years"])}
    seen = leaves_of([row for row in rows if row["position"] <= ev["position"] and row["owner"] in here])
    mine = [line_of(owner, leaves) for owner, leaves in sorted(seen.items())]
    theirs = [line for line in case["lines"] if line.partition(" ")[0] in here]
    need(mine == theirs, "the pupil's events are not those that had been seen when the case was decided")
    say(f"the pupil's events are those that had been seen up to position {ev['position']}, of the digest pinned then")


def check_register(ev: Evidence, known: Known) -> None:
    """Rebuild the register of the time from the events, entry by entry, and count it again."""
    sessions = known.sessions(ev["first_day"], ev["last_day"])
    need([line["session"] for line in ev["register"]] == sessions, "the register has other sessions than the calendar")
    found: dict[tuple[str, str | None], list[str]] = {}
    for session, line in zip(sessions, ev["register"], strict=True):
        marks = known.entries.get(session, [])
        need(line["entries"] == marks, f"the entry of {session} is not what its events say")
        code, kind = known.code(session), known.counts_as(session)
        need((line["code"], line["counts_as"]) == (code, kind), f"{session} does not count as {line['counts_as']}")
        need(line["original"] == (marks[0]["code"] if marks else None), f"the original entry of {session} is another")
        found.setdefault((kind, code), []).append(session)
    totals = {(each["counts_as"], each["code"]): each["sessions"] for each in ev["totals"]}
    need(totals == found and len(totals) == len(ev["totals"]), "the totals are not those of the register")
    counts = {kind.replace(" ", "_"): sum(known.counts_as(each) == kind for each in sessions) for kind in COUNTS}
    absent = counts["authorised"] + counts["unauthorised"]
    mine = {"possible": counts["attended"] + absent, "absent": absent, **counts}
    need(ev["certificate"] == mine, f"the certificate does not say what the register comes to: {mine}")
    used = {mark["code"] for session in sessions for mark in known.entries.get(session, [])}
    need({each["code"] for each in ev["codes"]} == used, "the key of codes is not of the codes used")
    amended = sum(len(known.entries.get(session, [])) > 1 for session in sessions)
    say(f"the register of {len(sessions)} sessions, {amended} of them amended, is what the events say")
    say(f"the certificate is: {mine['attended']} attended and {absent} absent of {mine['possible']} possible sessions")


def check_chronology(ev: Evidence, rows: list[Row]) -> None:
    mine = [
        told(row)
        for row in rows
        if row["position"] <= ev["position"]
        and (row["topic"].partition(".")[0] in TOLD or row["topic"] == "school.ClosureDeclared")
    ]
    positions = [each["position"] for each in mine]
    need([each["position"] for each in ev["chronology"]] == positions, "an event is left out of the chronology")
    for each, theirs in zip(mine, ev["chronology"], strict=True):
        need(each == theirs, f"the chronology does not say what the event at position {each['position']} says")
    say(f"the {len(mine)} lines of the chronology are what the events say, and none is left out")


def told(row: Row) -> Told:
    """Return an event as the chronology has it."""
    return {"position": row["position"], "stream": row["stream"], "recorded_at": row["at"], "event": row["said"]}


def check_notices(ev: Evidence, known: Known) -> None:
    """Check which notices there are, and say of each that was withdrawn that it counts for nothing."""
    need(ev["notices"] == list(known.issued.values()), "the notices are not those of the events")
    undone = {each["notice"]: each["withdrawn_at"] for each in ev["notices"] if each["withdrawn_at"]}
    if ev["case"] and ev["case"]["withdrawn"]:
        undone[ev["case"]["name"]] = ev["case"]["withdrawn"]["recorded_at"]
    for name, at in undone.items():
        note(f"the notice {name} was WITHDRAWN ({at}), and counts for nothing")
    say(f"the {len(ev['notices'])} notices that had been issued are those of the events")


def check_penalty(ev: Evidence, known: Known, rules: dict[str, Any]) -> None:  # by name: numbers, texts, lists
    """Count the penalty window again from the events, by the settings that the evidence states."""
    mondays = set(known.window(rules["penalty_weeks"]))
    theirs_too: list[Said] = [
        {"issued_on": issued_on, "ss": named}
        for said in known.received.values()
        for _, _, issued_on, named in said.get("notices", [])
    ]
    standing = [each for each in [*known.notices.values(), *theirs_too] if each["issued_on"] <= ev["as_of"]]
    noticed = {session for each in standing for session in each["ss"] if not rules["recount_noticed_sessions"]}
    first, last = known.school_age
    codes = {each: known.code(each) for each in known.sessions("", ev["as_of"]) if known.on_roll(each)}
    codes.update(known.elsewhere())
    counted = [
        session
        for session in sorted(codes)
        if monday(date.fromisoformat(session[:10])) in mondays
        and session[:10] <= ev["as_of"]
        and codes[session] in rules["penalty_codes"]
        and first <= session[:10] <= last
        and session not in noticed
    ]
    proof, threshold = ev["penalty"], rules["penalty_threshold"]
    met = len(counted) >= threshold
    need(proof["weeks"] == sorted(map(str, mondays)), "the weeks of the penalty window are others")
    theirs = [each["session"] for each in proof["sessions"] if each["counts_as"] == "penalty"]
    need(theirs == counted, f"{len(counted)} sessions count to the penalty window, and not those that it names")
    verdict = {"penalty": len(counted)}, {"met": met}
    need((proof["counts"], proof["verdicts"]) == verdict, "the window was miscounted")
    need(proof["met_on"] == (counted[threshold - 1] if met else None), "the threshold was met on another session")
    say(f"the penalty window holds {len(counted)} of {threshold} sessions: {'met' if met else 'not met'}")


def check_absence(ev: Evidence, known: Known, rules: dict[str, Any]) -> None:  # by name: numbers, texts, lists
    """Count the year to date again from the events."""
    start = f"{known.begun()['year']}-08-01"
    kinds = [known.counts_as(session) for session in known.sessions(start, ev["as_of"])]
    absent = kinds.count("authorised") + kinds.count("unauthorised")
    possible, proof = kinds.count("attended") + absent, ev["absence"]
    mine = {kind: kinds.count(kind) for kind in ("attended", "authorised", "unauthorised", "missing")}
    mine.update(possible=possible, absent=absent)
    need({name: proof["counts"][name] for name in mine} == mine, f"the year to date comes to {mine}")
    reached = {
        name: possible > 0 and 100 * absent >= rules[f"{name}_percent"] * possible
        for name in ("persistent", "severe", "at_risk")
    }
    reached["at_risk"] = reached["at_risk"] and not reached["persistent"]
    need(proof["verdicts"] == reached, f"the verdict on absence is {reached}")
    cohort = [name.replace("_", " ") for name, holds in reached.items() if holds]
    say(f"the year to date: absent {absent} of {possible} possible sessions: {', '.join(cohort) or 'no cohort'}")


def check_years(ev: Evidence, known: Known, weeks: int, listed: Years | None) -> None:
    """Check that the evidence holds all school years that it rests on: those of its days, of the year to date and of
    the penalty window, by the calendar. Where the window is short because the calendar begins there, or a year has no
    calendar, the list of years has to show that there was none."""
    window = known.window(weeks)
    days = [date.fromisoformat(day) for day in (ev["first_day"], ev["last_day"], ev["as_of"])]
    reached = {school_year(day) for day in [*days, *window]} | {known.begun()["year"]}
    years = list(range(min(reached), max(reached) + 1))
    need(ev["years"] == years, f"it rests on the school years {years}, and the evidence on others")
    if listed is None:
        return
    for year in years:
        missing = year not in known.years and year not in known.opened_later
        need(not missing or not listed.line(f"school/{year}"), f"the calendar of the school year {year} is left out")
    first = min(year for year in known.years if year in years)
    left_out = set(listed.earlier(first)) - known.opened_later if len(window) < weeks else set()
    need(not left_out, f"the window is short of weeks, and the calendars of {sorted(left_out)} are left out")
    say(f"the school years {', '.join(map(str, years))} are all that the days, the year to date and the window rest on")


def school_year(day: date) -> int:
    """Return the year in which the school year of a day begins: it runs from 1 August to 31 July."""
    return day.year if day.month >= 8 else day.year - 1


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def check(members: dict[str, bytes], given: str | None, unsigned: bool = False, exact: bool = True) -> str:
    """Check everything that is inside a bundle, and return what that proves. Raises Wrong with the first thing that
    does not hold."""
    sealed = "checkpoint" in members
    need(sealed or given is None, "a key was given, and this bundle is not sealed")
    key = read_key(given or members["verifier.key"].decode()) if sealed else None
    signed = check_manifest(members, key, exact, unsigned)
    ev, rows = strict.decode(members["evidence.json"].decode()), read_rows(members["events.jsonl"])
    need(sealed or ev["seal"] is None, "the evidence says that it is sealed, and there is no checkpoint")
    listed = check_seal(members, rows, ev, key) if key else None
    open_texts(rows, strict.decode(members["keys.json"].decode()), {each["position"] for each in ev["withheld"]})
    known = Known(rows, ev)
    check_header(ev, known, rows)
    check_moment(ev, known, rows)
    rules = check_rules(ev, known, rows, members["codes.csv"])
    check_pin(ev, rows)
    check_register(ev, known)
    check_chronology(ev, rows)
    check_notices(ev, known)
    check_years(ev, known, rules["penalty_weeks"], listed)
    check_penalty(ev, known, rules)
    check_absence(ev, known, rules)
    check_paper(members)
    draft = ", a DRAFT and no evidence yet" if ev["draft"] else ""
    simulated = "SIMULATED, a made-up clock: " if ev["simulated"] else ""
    about = (
        f"{simulated}pupil {ev['pupil']} ({ev['about']['name'] or 'name sealed'}) of {ev['school']['name']} (URN "
        f"{ev['school']['urn']}), {ev['first_day']} to {ev['last_day']}, as of {ev['as_of']}, known at "
        f"{ev['known_at']} (position {ev['position']}), policy {ev['policy']}, rules {ev['rules']}{draft}."
    )
    by = " by the bundle's own key, which shows only that it agrees with itself (give --key)" if not given else ""
    if signed:
        return f"Everything holds{by}: {about}"
    note("register, counts, chronology and verdicts were made again from the events, by the settings stated")
    events = f"The events hold{by}" if sealed else "Nothing shows that this was recorded (the bundle is not sealed)"
    return f"{events}; nobody signed the answers, so that explanations and the paper are not proved: {about}"


def check_paper(members: dict[str, bytes]) -> None:
    """Check that the paper was made of this evidence, of which it holds the digest. What else it says is not read."""
    digest = sha256(members["evidence.json"]).hexdigest()
    need(digest.encode() in members["evidence.pdf"], "the paper was made of other evidence than is here")
    note("the words of the paper, and why and since when in the evidence, were not read: they are the school's")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check a bundle of evidence about one pupil's attendance.")
    parser.add_argument("bundle", nargs="?", type=Path, default=Path(__file__).parent)
    parser.add_argument("--key", help="the verifier key, from somebody other than the maker of the bundle")
    parser.add_argument("--unsigned", action="store_true", help="go on where nobody signed the manifest")
    asked = parser.parse_args(arguments)
    gc.disable()  # a short run that lets go of nothing
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may lack the letters of a name
    try:
        need(asked.bundle.exists(), f"there is no bundle {asked.bundle}")
        members = read_members(asked.bundle)
        beside = asked.bundle.with_name(asked.bundle.name + ".sig")
        if beside.is_file() and asked.bundle.is_file():
            need(beside.stat().st_size <= MOST_BYTES, "its signature is longer than signatures are")
            key = read_key(asked.key or members["verifier.key"].decode())
            check_file(asked.bundle.read_bytes(), beside.read_text(encoding="utf-8"), key)
        elif "checkpoint" in members:
            note("no signature over the zip file was looked at; it would be BUNDLE.sig, beside the file")
        out(check(members, asked.key, asked.unsigned, exact=not asked.bundle.is_dir()))
    except Wrong as wrong:
        out(f"WRONG {wrong}")
        return 1
    except Exception as error:  # whatever a hostile file makes a reader stumble over, it is no bundle
        out(f"WRONG the bundle is not in the form that bundles have ({type(error).__name__}: {error})")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
