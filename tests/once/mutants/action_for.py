# SPDX-License-Identifier: Apache-2.0

"""What one job calls for."""

from __future__ import annotations

from once.mutants.mutant import NAME, NAME_NO_STOP, NAME_NO_STORE, NONE, UNCLEAR, UNSTABLE, Explored, Mutant

MUTANTS = (
    Mutant(
        "what could be ours is adopted",
        "decision",
        "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        "return Action.ADOPT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        Explored(NAME, ("run made again",), "own success"),
    ),
    Mutant(
        "what could be ours is stopped",
        "decision",
        "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        "return _leave(job, may_stop)",
        Explored(NAME, ("busy neighbour",), "others' jobs"),
    ),
    Mutant(
        "what could be ours is ignored",
        "decision",
        "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        "return None",
        Explored(NAME, ("run made again",), "alone"),
    ),
    Mutant(
        "what could be ours and is being stopped is ignored",
        "decision",
        "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        "return Action.WAIT if job.sighting is Sighting.IN_FLIGHT else None",
        Explored(NAME, ("clear, on_kill", "run made again"), "alone"),
    ),
    Mutant(
        "the success of what could be ours is taken",
        "decision",
        "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None",
        (
            "return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT,"
            " Sighting.STOPPING) else Action.TAKE if job.sighting is Sighting.SUCCEEDED else None"
        ),
        Explored(NAME, ("run made again",), "own success"),
    ),
    Mutant(
        "what is not ours is stopped",
        "decision",
        "        case Evidence.NOT_OURS:\n            return None",
        "        case Evidence.NOT_OURS:\n            return _leave(job, may_stop)",
        Explored(NAME, ("busy neighbour",), "others' jobs"),
    ),
    Mutant(
        "an earlier life's job and success are kept",
        "decision",
        "        case Evidence.EARLIER_LIFE:\n            return _leave(job, may_stop)",
        "        case Evidence.EARLIER_LIFE:\n            return _keep(job)",
        Explored(NAME, ("clear of a finished run, retries lowered",), "own success"),
    ),
    Mutant(
        "an earlier life's job is ignored",
        "decision",
        "        case Evidence.EARLIER_LIFE:\n            return _leave(job, may_stop)",
        "        case Evidence.EARLIER_LIFE:\n            return None",
        Explored(NAME, ("clear, on_kill late",), "alone"),
    ),
    Mutant(
        "a changed request's job is kept",
        "decision",
        "                case Likeness.CHANGED:\n                    return _leave(job, may_stop)",
        "                case Likeness.CHANGED:\n                    return _keep(job)",
        Explored(NAME, ("DAG edited", "SIGKILL"), "own success"),
    ),
    Mutant(
        "a changed request's job is ignored",
        "decision",
        "                case Likeness.CHANGED:\n                    return _leave(job, may_stop)",
        "                case Likeness.CHANGED:\n                    return None",
        Explored(NAME, ("DAG edited", "SIGKILL"), "alone"),
    ),
    Mutant(
        "an unstable template's job is stopped",
        "decision",
        (
            "                case Likeness.SAME | Likeness.UNSTABLE:\n"
            "                    return _keep(job)\n"
            "                case Likeness.CHANGED:"
        ),
        (
            "                case Likeness.SAME:\n"
            "                    return _keep(job)\n"
            "                case Likeness.CHANGED | Likeness.UNSTABLE:"
        ),
        Explored(UNSTABLE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "an unclear request's job is stopped",
        "decision",
        "return _leave(job, may_stop=False)",
        "return _leave(job, may_stop)",
        Explored(UNCLEAR, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "an unclear request's job is kept",
        "decision",
        "return _leave(job, may_stop=False)",
        "return _keep(job)",
        Explored(NAME_NO_STORE, ("DAG edited", "SIGKILL"), "own success"),
    ),
    Mutant(
        "an unclear request's job is ignored",
        "decision",
        "return _leave(job, may_stop=False)",
        "return None",
        Explored(NAME_NO_STORE, ("DAG edited", "SIGKILL"), "alone"),
    ),
    Mutant(
        "what is being stopped is adopted",
        "decision",
        "            return Action.ADOPT\n        case Sighting.STOPPING:\n            return Action.WAIT",
        "            return Action.ADOPT\n        case Sighting.STOPPING:\n            return Action.ADOPT",
        Explored(NAME, ("clear, on_kill, max_tries stays",), "progress"),
    ),
    Mutant(
        "what is being stopped is ignored",
        "decision",
        "            return Action.ADOPT\n        case Sighting.STOPPING:\n            return Action.WAIT",
        "            return Action.ADOPT\n        case Sighting.STOPPING:\n            return None",
        Explored(NAME, ("clear, on_kill, max_tries stays",), "alone"),
    ),
    Mutant(
        "what runs is ignored",
        "decision",
        "            return Action.ADOPT\n        case Sighting.STOPPING:\n            return Action.WAIT",
        "            return None\n        case Sighting.STOPPING:\n            return Action.WAIT",
        Explored(NAME, ("run made again, same start",), "alone"),
    ),
    Mutant(
        "what succeeded is repeated",
        "decision",
        "            return Action.TAKE",
        "            return None",
        Explored(NAME, ("SIGKILL", "job succeeds"), "no waste"),
    ),
    Mutant(
        "what failed is taken",
        "decision",
        "        case Sighting.ENDED:\n            return None",
        "        case Sighting.ENDED:\n            return Action.TAKE",
        Explored(NAME, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "a call is repeated though AWS starts another job",
        "decision",
        "return Action.ASK if same else Action.SETTLE",
        "return Action.ASK",
        Explored(NONE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "a call is not repeated though AWS answers with its job",
        "decision",
        "return Action.ASK if same else Action.SETTLE",
        "return Action.SETTLE",
        Explored(NAME, ("clear, max_tries stays",), "progress"),
    ),
    Mutant(
        "a call without an answer is ignored",
        "decision",
        "return Action.ASK if same else Action.SETTLE",
        "return Action.ASK if same else None",
        Explored(NONE, ("stuck 59",), "alone"),
    ),
    Mutant(
        "what is not shown yet is ignored",
        "decision",
        "        case Sighting.UNSEEN:\n            return Action.SETTLE",
        "        case Sighting.UNSEEN:\n            return None",
        Explored(NAME, ("SIGKILL", "lags"), "alone"),
    ),
    Mutant(
        "what is not shown yet is refused",
        "decision",
        "        case Sighting.UNSEEN:\n            return Action.SETTLE",
        "        case Sighting.UNSEEN:\n            return Action.REFUSE",
        Explored(NAME, ("SIGKILL", "lags"), "progress"),
    ),
    Mutant(
        "what is gone is followed by another",
        "decision",
        "            return Action.REFUSE",
        "            return None",
        Explored(NAME, ("job succeeds", "AWS forgets"), "no waste"),
    ),
    Mutant(
        "what may not be stopped is stopped",
        "decision",
        "return Action.STOP if may_stop else Action.WAIT",
        "return Action.STOP",
        Explored(NAME_NO_STOP, ("clear",), "others' jobs"),
    ),
    Mutant(
        "what may not be stopped is ignored",
        "decision",
        "return Action.STOP if may_stop else Action.WAIT",
        "return Action.STOP if may_stop else None",
        Explored(NAME_NO_STOP, ("clear",), "alone"),
    ),
    Mutant(
        "what is not wanted and being stopped is ignored",
        "decision",
        (
            "            return Action.STOP if may_stop else Action.WAIT\n"
            "        case Sighting.STOPPING:\n"
            "            return Action.WAIT"
        ),
        (
            "            return Action.STOP if may_stop else Action.WAIT\n"
            "        case Sighting.STOPPING:\n"
            "            return None"
        ),
        Explored(NAME, ("clear, on_kill late",), "alone"),
    ),
    Mutant(
        "what is being stopped is stopped again",
        "decision",
        (
            "            return Action.STOP if may_stop else Action.WAIT\n"
            "        case Sighting.STOPPING:\n"
            "            return Action.WAIT"
        ),
        (
            "            return Action.STOP if may_stop else Action.WAIT\n"
            "        case Sighting.STOPPING:\n"
            "            return Action.STOP if may_stop else Action.WAIT"
        ),
        Explored(NAME, ("clear, on_kill late",), "progress"),
    ),
    Mutant(
        "an earlier life's call without an answer is ignored",
        "decision",
        "        case Sighting.UNANSWERED | Sighting.UNSEEN:\n            return Action.SETTLE",
        "        case Sighting.UNANSWERED | Sighting.UNSEEN:\n            return None",
        Explored(NAME, ("stuck 59", "clear"), "alone"),
    ),
    Mutant(
        "an earlier life's success is taken",
        "decision",
        "        case Sighting.SUCCEEDED | Sighting.ENDED | Sighting.GONE:\n            return None",
        (
            "        case Sighting.SUCCEEDED:\n"
            "            return Action.TAKE\n"
            "        case Sighting.ENDED | Sighting.GONE:\n"
            "            return None"
        ),
        Explored(NAME, ("clear of a finished run, retries lowered",), "own success"),
    ),
)
