# SPDX-License-Identifier: Apache-2.0

"""The order of the steps, and what is kept over them."""

from __future__ import annotations

from once.mutants.mutant import (
    NAME,
    NONE,
    NONE_NO_STORE,
    TOKEN,
    TOKEN_AHEAD,
    TOKEN_NO_STORE,
    Explored,
    Mutant,
)

MUTANTS = (
    Mutant(
        "the time of the try's first look is forgotten",
        "steps",
        "carried.first_at = carried.first_at or sight.at",
        "carried.first_at = sight.at",
        Explored(NAME, ("busy neighbour",), "progress"),
    ),
    Mutant(
        "a list's error is swallowed",
        "steps",
        "        sight: Sight = yield ListJobs(log)\n",
        (
            "        try:\n"
            "            sight: Sight = yield ListJobs(log)\n"
            "        except Exception:\n"
            "            sight = Sight(None)\n"
        ),
        Explored(NAME, ("fails",), "errors count"),
    ),
    Mutant(
        "a stop's error is swallowed",
        "steps",
        "            answer: Stopped = yield Stop(job)\n",
        (
            "            try:\n"
            "                answer: Stopped = yield Stop(job)\n"
            "            except Exception:\n"
            "                answer = Stopped.ASKED\n"
        ),
        Explored(NAME, ("clear", "fails"), "errors count"),
    ),
    Mutant(
        "a stop's answer is forgotten",
        "steps",
        "            carried.stopped[job.job_id] = answer is Stopped.ASKED\n",
        "            answer.name\n",
        Explored(NAME, ("clear", "lag begins"), "progress"),
    ),
    Mutant(
        "a preparation's error is swallowed",
        "steps",
        "    ready: Unstarted | None = yield Prepare(spent, tuple(uncounted))\n",
        (
            "    try:\n"
            "        ready: Unstarted | None = yield Prepare(spent, tuple(uncounted))\n"
            "    except Exception:\n"
            "        ready = None\n"
        ),
        Explored(NAME, ("fails",), "errors count"),
    ),
    Mutant(
        "a preparation's want of room is ignored",
        "steps",
        "if ready is not None:",
        "if False:",
        Explored(NAME, ("no room",), "errors count"),
    ),
    Mutant(
        "a note's error before the start is swallowed",
        "steps",
        "    yield StoreLog(log, must=True)\n    answer: Started",
        (
            "    try:\n"
            "        yield StoreLog(log, must=True)\n"
            "    except Exception:\n"
            "        pass\n"
            "    answer: Started"
        ),
        Explored(NAME, ("fails",), "errors count"),
    ),
    Mutant(
        "the note before the start may fail",
        "steps",
        "    yield StoreLog(log, must=True)\n    answer: Started",
        "    yield StoreLog(log, must=False)\n    answer: Started",
        Explored(NONE, ("fails", "answer lost"), "alone"),
    ),
    Mutant(
        "the attempt is not noted before its start",
        "steps",
        "    yield StoreLog(log, must=True)\n    answer: Started",
        "    answer: Started",
        Explored(NONE, ("clear, on_kill late, max_tries stays",), "alone"),
    ),
    Mutant(
        "a start's error counts as a refusal",
        "steps",
        "    answer: Started | Unstarted = yield Start(attempt, repeated=earlier is not None)\n",
        (
            "    try:\n"
            "        answer: Started | Unstarted = yield Start(attempt, repeated=earlier is not None)\n"
            "    except Exception:\n"
            "        answer = Unstarted.REFUSED\n"
        ),
        Explored(NAME, ("fails",), "errors count"),
    ),
    Mutant(
        "the number is not counted up",
        "steps",
        "number=weighed.last + 1,",
        "number=max(weighed.last, 1),",
        Explored(NAME, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "an attempt in doubt is dropped from the log",
        "steps",
        "if answer in _NOTHING_STARTED and earlier is None:",
        "if earlier is None:",
        Explored(NONE, ("answer late",), "alone"),
    ),
    Mutant(
        "AWS's answer is not noted",
        "steps",
        "    log = log.recorded(attempt)\n    yield StoreLog(log, must=False)\n    old =",
        "    log = log.recorded(attempt)\n    old =",
        Explored(NAME, ("SIGKILL",), "memory"),
    ),
    Mutant(
        "the note after the start must not fail",
        "steps",
        "    yield StoreLog(log, must=False)\n    old =",
        "    yield StoreLog(log, must=True)\n    old =",
        Explored(NAME, ("SIGKILL",), "memory"),
    ),
    Mutant(
        "the failure of an earlier job is taken for the start's",
        "steps",
        "if answer.state in (JobState.FAILED, JobState.CANCELLED) and old:",
        "if False:",
        Explored(TOKEN_NO_STORE, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "what a try's look has shown is answered as new",
        "steps",
        "old = answer.job_id in shown",
        "old = False",
        Explored(TOKEN_NO_STORE, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "a new job is judged by AWS's clocks",
        "steps",
        "if earlier is not None and answer.created and answer.at:",
        "if answer.created and answer.at:",
        Explored(TOKEN_AHEAD, ("jobs fail at once",), "progress"),
    ),
    Mutant(
        "what AWS shows late is answered as new",
        "steps",
        "old |= answer.created < answer.at.replace(microsecond=0)",
        "old |= False",
        Explored(TOKEN, ("answer lost", "job fails", "lag begins"), "progress"),
    ),
    Mutant(
        "a lost log is noted as whole before a start",
        "steps",
        "        yield StoreLog(log, must=True)\n    # A list",
        "        yield StoreLog(replace(log, whole=True), must=True)\n    # A list",
        Explored(NONE_NO_STORE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a repeated call gets a new number",
        "steps",
        "attempt = earlier or Attempt(",
        "attempt = None or Attempt(",
        Explored(NAME, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a repeated call gets the life of now",
        "steps",
        "    attempt = replace(attempt, at=sight.at, since",
        "    attempt = replace(attempt, life=task.life, at=sight.at, since",
        Explored(NAME, ("stuck 59", "another task is cleared"), "alone"),
    ),
    Mutant(
        "the time of the first look is lost over a wait",
        "steps",
        '"first_at": at, "stopped"',
        '"first_at": None, "stopped"',
        Explored(NAME, ("busy neighbour",), "progress"),
    ),
    Mutant(
        "a log that is lost over a wait was never written",
        "steps",
        "        if carried.first_at is not None:\n",
        "        if False:\n",
        Explored(NONE, ("store emptied", "no room, in doubt"), "alone"),
    ),
    Mutant(
        "a log that is lost over a wait leaves the first look's time",
        "steps",
        "log, carried.first_at = replace(log, whole=False), None",
        "log = replace(log, whole=False)",
        Explored(NONE, ("no room", "store emptied", "no room, in doubt"), "alone"),
    ),
    Mutant(
        "a log that Airflow does not keep is lost over a wait",
        "steps",
        '"log": self.log}',
        '"log": None}',
        Explored(NONE_NO_STORE, ("no room, in doubt",), "progress"),
    ),
)
