# SPDX-License-Identifier: Apache-2.0

"""Models of services that botocore no longer ships, in botocore's own format.

``NOTICE`` beside this file says where they are from, and what was changed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.loaders import Loader

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["MODELS", "use_service_models"]

#: The folder with the models, laid out as botocore's ``data`` is.
MODELS = Path(__file__).parent


def use_service_models(session: Session) -> None:
    """Let a session make clients of the services here.

    The folder is searched last: a model that botocore still ships, or one of the user's in
    ``~/.aws/models`` or ``AWS_DATA_PATH``, is used instead of ours.

    :param session: the boto3 session; clients that it has made already stay as they are.
    """
    core = session._session
    # Each boto3 session adds its own folder to its loader, which sessions may share.
    paths = dict.fromkeys(core.get_component("data_loader").search_paths)
    core.register_component("data_loader", _loader(*paths, str(MODELS)))


@cache
def _loader(*paths: str) -> Loader:
    """Return a loader that searches in this order; it keeps what it has read, so one serves all sessions."""
    # A loader searches extra paths before botocore's own: hence a new one, given the whole order.
    return Loader(extra_search_paths=[*paths], include_default_search_paths=False)
