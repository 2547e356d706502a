# SPDX-License-Identifier: Apache-2.0

"""Runs AWS CLI commands, one for each line of standard input, in the Python that the AWS CLI is installed in.

A line is the command's arguments as JSON. The answer is a line with its exit code, what it wrote, and the
last HTTP status that it met.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from typing import Any


def main() -> None:
    """Serve until the input ends."""
    from awscli.clidriver import create_clidriver  # type: ignore[import-not-found,unused-ignore]

    driver = create_clidriver()
    met: dict[str, int] = {}

    def note(http_response: Any, **_: Any) -> None:
        met["status"] = http_response.status_code

    driver.session.register("after-call", note)
    for line in sys.stdin:
        met.clear()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = driver.main(json.loads(line))
        answer = {"code": code, "out": out.getvalue(), "err": err.getvalue(), **met}
        print(json.dumps(answer), flush=True)


main()
