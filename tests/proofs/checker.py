"""A stranger's checker: reaches a verdict from the JSON of an explanation alone, by its own reading of the law.

It knows the codes from the regulations and imports nothing of the program whose answer it checks.
"""

import json
import sys
from datetime import date, timedelta

ATTENDED = set(["/", "\\", "L", "K", "V", "P", "W", "B", "J"])
AUTHORISED = set(["C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T", "H", "F"])
UNAUTHORISED = set(["G", "N", "O", "U"])


def day_of(session):
    return date.fromisoformat(session[:10])


def on_roll(proof, day):
    for first, last in proof["spells"]:
        if date.fromisoformat(first) <= day and (last is None or day <= date.fromisoformat(last)):
            return True
    return False


def entries_agree(proof):
    """Return what is off between the sessions and the entries behind them."""
    standing = {each["session"]: each for each in proof["sessions"]}
    wrong = []
    if list(standing) != sorted(standing) or len(standing) < len(proof["sessions"]):
        wrong.append("the sessions are not each there once, in order")
    for entry in proof["entries"]:
        marks, session = entry["entries"], standing.get(entry["session"])
        positions = [mark["position"] for mark in marks]
        if positions != sorted(set(positions)) or positions[-1] > proof["position"]:
            wrong.append(f"{entry['session']}: its events are not in order, or not known yet")
        if session is None or (marks[-1]["code"], positions[-1]) != (session["code"], session["position"]):
            wrong.append(f"{entry['session']}: the last thing its entry said is not what stands")
    return wrong


def check_penalty(proof):
    """Return the verdict on the penalty window, and what is off."""
    rules = {rule["setting"]: rule["value"] for rule in proof["rules"]}
    as_of, weeks = date.fromisoformat(proof["as_of"]), {date.fromisoformat(monday) for monday in proof["weeks"]}
    first, last = map(date.fromisoformat, proof["school_age"])
    noticed = set()
    for notice in proof["notices"]:
        if date.fromisoformat(notice["issued_on"]) <= as_of and not rules["recount_noticed_sessions"]:
            noticed |= set(notice["sessions"])
    counted = []
    for each in proof["sessions"]:
        day = day_of(each["session"])
        inside = day - timedelta(days=day.weekday()) in weeks and day <= as_of and first <= day <= last
        # What a former school's record says counts for the days on which the pupil was not on roll here.
        theirs = "school" in each and not on_roll(proof, day)
        if (
            inside
            and each["code"] in rules["penalty_codes"]
            and (theirs or ("school" not in each and on_roll(proof, day)))
        ):
            counted += [] if each["session"] in noticed else [each["session"]]
    met = len(counted) >= rules["penalty_threshold"]
    wrong = entries_agree(proof)
    if len(weeks) > rules["penalty_weeks"] or any(monday.weekday() for monday in weeks):
        wrong.append("these are not so many weeks")
    if proof["counts"]["penalty"] != len(counted):
        wrong.append(f"it says {proof['counts']['penalty']} sessions, and {len(counted)} count")
    if proof["met_on"] != (counted[rules["penalty_threshold"] - 1] if met else None):
        wrong.append("it was not met on that session")
    counting = [each["session"] for each in proof["sessions"] if each["counts_as"] == "penalty"]
    if counting != counted:
        wrong.append("other sessions count than it says")
    return {"met": met}, wrong


def check_absence(proof):
    """Return the verdicts on persistent and severe absence, and what is off."""
    rules = {rule["setting"]: rule["value"] for rule in proof["rules"]}
    attended = absent = unauthorised = 0
    for each in proof["sessions"]:
        if each["code"] is not None and on_roll(proof, day_of(each["session"])):
            attended += each["code"] in ATTENDED
            absent += each["code"] in AUTHORISED | UNAUTHORISED
            unauthorised += each["code"] in UNAUTHORISED
    possible = attended + absent

    def reaches(percent):
        return possible > 0 and absent * 100 >= percent * possible

    persistent = reaches(rules["persistent_percent"])
    verdicts = {"persistent": persistent, "severe": reaches(rules["severe_percent"])}
    verdicts["at_risk"] = reaches(rules["at_risk_percent"]) and not persistent
    wrong, counts = entries_agree(proof), proof["counts"]
    if (counts["attended"], counts["absent"], counts["unauthorised"]) != (attended, absent, unauthorised):
        wrong.append(f"its counts are not {attended} attended, {absent} absent, {unauthorised} unauthorised")
    return verdicts, wrong


def check(proof):
    """Return everything that is wrong with a proof; nothing where its verdict follows from what it holds."""
    verdicts, wrong = {"penalty": check_penalty, "absence": check_absence}[proof["question"]](proof)
    return wrong + [f"the verdict is not {name}" for name in verdicts if proof["verdicts"][name] != verdicts[name]]


if __name__ == "__main__":
    found = [each for proof in json.load(sys.stdin) for each in check(proof)]
    print("\n".join(found) or "the verdicts follow")
    sys.exit(bool(found))
