# SPDX-License-Identifier: Apache-2.0

"""Whose a job is that AWS shows."""

from __future__ import annotations

from once.mutants.mutant import NAME, NAME_NO_STORE, NONE, NONE_CLEARED, TOKEN, UNSTABLE, Explored, Mutant

MUTANTS = (
    Mutant(
        "a lagging list beats a stop's answer",
        "evidence",
        "return Sighting.STOPPING if stopped else found",
        "return found",
        Explored(NAME, ("clear", "lag begins"), "progress"),
    ),
    Mutant(
        "what was told to stop has ended",
        "evidence",
        "return Sighting.STOPPING if stopped else found",
        "return Sighting.ENDED if stopped else found",
        Explored(NAME, ("clear", "lag begins"), "alone"),
    ),
    Mutant(
        "what is being stopped has ended",
        "evidence",
        "found = _SIGHTINGS[seen.state]",
        "found = {**_SIGHTINGS, JobState.STOPPING: Sighting.ENDED}[seen.state]",
        Explored(NAME, ("clear, on_kill late",), "alone"),
    ),
    Mutant(
        "what is being stopped runs",
        "evidence",
        "found = _SIGHTINGS[seen.state]",
        "found = {**_SIGHTINGS, JobState.STOPPING: Sighting.IN_FLIGHT}[seen.state]",
        Explored(NAME, ("clear, on_kill, max_tries stays",), "progress"),
    ),
    Mutant(
        "a failure is a success",
        "evidence",
        "found = _SIGHTINGS[seen.state]",
        "found = {**_SIGHTINGS, JobState.FAILED: Sighting.SUCCEEDED}[seen.state]",
        Explored(NAME, ("job fails",), "progress"),
    ),
    Mutant(
        "a cancelled job is a success",
        "evidence",
        "found = _SIGHTINGS[seen.state]",
        "found = {**_SIGHTINGS, JobState.CANCELLED: Sighting.SUCCEEDED}[seen.state]",
        Explored(NAME, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "a success is an end like others",
        "evidence",
        "found = _SIGHTINGS[seen.state]",
        "found = {**_SIGHTINGS, JobState.SUCCEEDED: Sighting.ENDED}[seen.state]",
        Explored(NAME, ("SIGKILL", "job succeeds"), "no waste"),
    ),
    Mutant(
        "a job is not known by its id in the log",
        "evidence",
        "mark, attempt = seen.mark, self.log.of_job(seen.job_id)",
        "mark, attempt = seen.mark, None",
        Explored(TOKEN, ("clear at home, retries lowered",), "progress"),
    ),
    Mutant(
        "a job is not known by its mark in the log",
        "evidence",
        "if attempt is None and mark is not None and mark.digest == self.task.identity.digest:",
        "if False:",
        Explored(UNSTABLE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "a job is known by its number in the log alone",
        "evidence",
        "own = noted and noted.mark(self.task.identity) == mark and self.near(seen, noted)",
        "own = noted",
        Explored(NAME, ("neighbour", "SIGKILL"), "no waste"),
    ),
    Mutant(
        "later jobs of the same name could be ours",
        "evidence",
        "evidence = Evidence.COULD_BE if self._early(seen) else Evidence.NOT_OURS\n        number",
        "evidence = Evidence.COULD_BE\n        number",
        Explored(NAME, ("busy neighbour",), "progress"),
    ),
    Mutant(
        "with another start and without the log it is not ours",
        "evidence",
        "evidence = Evidence.COULD_BE if self._early(seen) else Evidence.NOT_OURS\n        number",
        "evidence = Evidence.NOT_OURS\n        number",
        Explored(NAME, ("run made again",), "alone"),
    ),
    Mutant(
        "with another start and without the log it is ours",
        "evidence",
        "if mark.life.started == self.task.life.started or (",
        "if True or (",
        Explored(NAME, ("run made again",), "own success"),
    ),
    Mutant(
        "with the same start and without the log it is in doubt",
        "evidence",
        "if mark.life.started == self.task.life.started or (",
        "if False or (",
        Explored(NAME_NO_STORE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "without a site, an earlier clear_number makes it ours",
        "evidence",
        "self.task.identity.site and known and relation is Relation.EARLIER",
        "known and relation is Relation.EARLIER",
        Explored(NAME, ("neighbour", "clear at home"), "others' jobs"),
    ),
    Mutant(
        "with a site, all of its name is ours",
        "evidence",
        "self.task.identity.site and known and relation is Relation.EARLIER",
        "self.task.identity.site",
        Explored(NAME, ("database copied", "neighbour"), "others' jobs"),
    ),
    Mutant(
        "with the whole log, a job without a mark could be ours",
        "evidence",
        "could_be = not self.log.whole and self.task.marking",
        "could_be = self.task.marking",
        Explored(NONE, ("busy neighbour",), "no idle wait"),
    ),
    Mutant(
        "without the log, a job without a mark is not ours",
        "evidence",
        "could_be = not self.log.whole and self.task.marking is Marking.NONE and self._early(seen)",
        "could_be = False",
        Explored(NONE_CLEARED, ("clear, max_tries stays",), "alone"),
    ),
    Mutant(
        "without the log, later jobs without a mark could be ours",
        "evidence",
        "could_be = not self.log.whole and self.task.marking is Marking.NONE and self._early(seen)",
        "could_be = not self.log.whole and self.task.marking is Marking.NONE",
        Explored(NONE, ("SIGKILL", "busy neighbour"), "progress"),
    ),
)
