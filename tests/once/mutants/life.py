# SPDX-License-Identifier: Apache-2.0

"""Whose a job is: identity, life, fingerprint and mark."""

from __future__ import annotations

from once.mutants.mutant import NAME, NAME_NO_STORE, QUOTING, UNCLEAR, UNSTABLE, Explored, FoundByTest, Mutant

MUTANTS = (
    Mutant(
        "a life is not told by max_tries",
        "identity",
        "if self.max_tries != now.max_tries:",
        "if False:",
        Explored(NAME, ("clear at home",), "own success"),
    ),
    Mutant(
        "a life is not told by clear_number",
        "identity",
        "if self.clear_number == now.clear_number:",
        "if True:",
        Explored(NAME, ("clear of a finished run, retries lowered",), "own success"),
    ),
    Mutant(
        "another start alone is another life",
        "identity",
        "if self.max_tries != now.max_tries:",
        "if self.max_tries != now.max_tries or self.started != now.started:",
        Explored(NAME, ("run patched to queued", "SIGKILL"), "no waste"),
    ),
    Mutant(
        "another clear_number alone is another life",
        "identity",
        "return Relation.IN_DOUBT if self.started == now.started else Relation.EARLIER",
        "return Relation.EARLIER",
        Explored(NAME, ("another task is cleared", "SIGKILL"), "no waste"),
    ),
    Mutant(
        "another clear_number and another start are no other life",
        "identity",
        "return Relation.IN_DOUBT if self.started == now.started else Relation.EARLIER",
        "return Relation.IN_DOUBT",
        Explored(NAME, ("clear of a finished run, retries lowered",), "own success"),
    ),
    Mutant(
        "the identity leaves the site out",
        "identity",
        "if self.site:",
        "if False:",
        Explored(NAME, ("database copied",), "others' jobs"),
    ),
    Mutant(
        "the life leaves the start out",
        "identity",
        "hashlib.sha256(start_date.encode())",
        "hashlib.sha256(b'')",
        Explored(NAME, ("run made again",), "own success"),
    ),
    Mutant(
        "the life leaves max_tries out",
        "identity",
        "decode().lower(), max_tries, clear_number)",
        "decode().lower(), 0, clear_number)",
        Explored(NAME, ("clear at home",), "own success"),
    ),
    Mutant(
        "the life leaves clear_number out",
        "identity",
        "decode().lower(), max_tries, clear_number)",
        "decode().lower(), max_tries, None)",
        Explored(NAME, ("clear of a finished run, retries lowered",), "own success"),
    ),
    Mutant(
        "every request is the same",
        "fingerprint",
        "if self == now or self.text[:1] != now.text[:1]:",
        "if True:",
        Explored(NAME, ("DAG edited", "SIGKILL"), "own success"),
    ),
    Mutant(
        "an unstable template is a changed request",
        "fingerprint",
        "return Likeness.UNSTABLE if dag_version == dag_version_now else Likeness.CHANGED",
        "return Likeness.CHANGED",
        Explored(UNSTABLE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "a changed request is an unstable template",
        "fingerprint",
        "return Likeness.UNSTABLE if dag_version == dag_version_now else Likeness.CHANGED",
        "return Likeness.UNSTABLE",
        Explored(NAME, ("DAG edited", "SIGKILL"), "own success"),
    ),
    Mutant(
        "without versions another request is a changed one",
        "fingerprint",
        "return Likeness.UNCLEAR",
        "return Likeness.CHANGED",
        Explored(UNCLEAR, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "without versions another request is an unstable template",
        "fingerprint",
        "return Likeness.UNCLEAR",
        "return Likeness.UNSTABLE",
        Explored(NAME_NO_STORE, ("DAG edited", "SIGKILL"), "own success"),
    ),
    Mutant(
        "another release's digest is another request",
        "fingerprint",
        "if self == now or self.text[:1] != now.text[:1]:",
        "if self == now:",
        Explored(NAME_NO_STORE, ("package upgraded", "SIGKILL"), "no waste"),
    ),
    Mutant(
        "the name leaves the number out",
        "mark",
        ".{clears}.{self.number}-",
        ".{clears}.1-",
        Explored(NAME, ("job cancelled by a person",), "progress"),
    ),
    Mutant(
        "the name leaves the fingerprint out",
        "mark",
        '-{self.fingerprint.text}"',
        '-1000000"',
        Explored(NAME_NO_STORE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "the name leaves max_tries out",
        "mark",
        ".{life.max_tries}.",
        ".0.",
        Explored(NAME, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "the name leaves the start out",
        "mark",
        "{_VERSION}{life.started}.",
        "{_VERSION}aaaaaa.",
        Explored(NAME_NO_STORE, ("SIGKILL",), "no waste"),
    ),
    Mutant(
        "the first mark of a description is read",
        "mark",
        'return text.rpartition("[airflow:")[2] if',
        'return text.partition("[airflow:")[2] if',
        Explored(QUOTING, ("SIGKILL",), "alone"),
    ),
    Mutant(
        "a description claims what it quotes",
        "mark",
        '_own(text).startswith(f"{identity.digest}/")',
        'f"[airflow:{identity.digest}/" in text',
        FoundByTest("test_a_description_that_quotes_a_mark_has_its_own_at_its_end"),
    ),
    Mutant(
        "the name is not read",
        "mark",
        "return _read(identity.digest, re.fullmatch(_CODE, code))",
        "return None",
        Explored(NAME, ("run made again",), "alone"),
    ),
)
