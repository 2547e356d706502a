# SPDX-License-Identifier: Apache-2.0

"""What is noted of the attempts."""

from __future__ import annotations

from once.mutants.mutant import (
    NAME,
    NONE,
    NONE_CLEARED,
    NONE_NO_STORE,
    OWN_TOKEN_CLEARED,
    TOKEN,
    UNSTABLE,
    Explored,
    FoundByTest,
    Mutant,
)

MUTANTS = (
    Mutant(
        "a log that is not there was never written",
        "attempt_log",
        "whole=rows is None and first_try",
        "whole=True",
        Explored(NONE_CLEARED, ("clear, on_kill late, max_tries stays",), "alone"),
    ),
    Mutant(
        "a log that was never written is lost",
        "attempt_log",
        "whole=rows is None and first_try",
        "whole=False",
        Explored(NONE, ("busy neighbour",), "no idle wait"),
    ),
    Mutant(
        "the rows of another identity are read",
        "attempt_log",
        'if rows["identity"] == identity:',
        "if True:",
        FoundByTest("test_rows_of_another_identity_are_not_this_task_s"),
    ),
    Mutant(
        "that a log was lost is forgotten",
        "attempt_log",
        'return cls(attempts, rows["whole"], identity)',
        "return cls(attempts, True, identity)",
        Explored(NONE_NO_STORE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a token of the user's own is not told apart by clears",
        "attempt_log",
        'return f"{given}.c{clears}" if clears and not known else given',
        "return given",
        Explored(OWN_TOKEN_CLEARED, ("clear at home",), "own success"),
    ),
    Mutant(
        "with any log, a token of the user's own begins again",
        "attempt_log",
        "known = any(each.given == given for each in self.attempts)",
        "known = bool(self.attempts)",
        Explored(OWN_TOKEN_CLEARED, ("job fails", "clear at home", "job fails"), "own success"),
    ),
    Mutant(
        "an attempt is not found by its job's id",
        "attempt_log",
        "each for each in self.attempts if each.job_id == job_id",
        "each for each in self.attempts if False",
        Explored(TOKEN, ("clear at home, retries lowered",), "progress"),
    ),
    Mutant(
        "the row leaves the job's id out",
        "attempt_log",
        '"job_id": self.job_id,',
        '"job_id": None,',
        Explored(NAME, ("SIGKILL",), "memory"),
    ),
    Mutant(
        "the row leaves the scope out",
        "attempt_log",
        '"scope": self.scope,',
        '"scope": "",',
        Explored(TOKEN, ("answer lost", "DAG edited, other scope"), "alone"),
    ),
    Mutant(
        "the row leaves the DAG's version out",
        "attempt_log",
        '"dag_version": self.dag_version,',
        '"dag_version": None,',
        Explored(UNSTABLE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "the row leaves the fingerprint out",
        "attempt_log",
        'Fingerprint(row["fingerprint"])',
        'Fingerprint("1000000")',
        Explored(TOKEN, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "the row leaves clear_number out",
        "attempt_log",
        '"clear_number": self.life.clear_number,',
        '"clear_number": None,',
        Explored(NAME, ("stuck 59",), "alone"),
    ),
)
