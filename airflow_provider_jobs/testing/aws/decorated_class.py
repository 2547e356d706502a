# SPDX-License-Identifier: Apache-2.0

"""A class of tests, decorated: it stays a class, and each of its tests has an AWS of its own."""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_jobs.testing.aws.mock import mock_aws_jobs

#: How the names of tests begin.
TEST = "test"


def decorate_class(decorated: type, mock: mock_aws_jobs) -> type:
    """Decorate the tests of a class, those that it inherits too, and what runs before and after each.

    :param decorated: the class, which is changed
    :param mock: what is entered for each test
    """
    for name in dir(decorated):
        method = inspect.getattr_static(decorated, name)
        if name.startswith(TEST) and isinstance(method, FunctionType):
            setattr(decorated, name, mock(method))
    if issubclass(decorated, unittest.TestCase):
        _decorate_unittest(decorated, mock)
    else:
        _decorate_pytest(decorated, mock)
    return decorated


def _decorate_unittest(decorated: Any, mock: mock_aws_jobs) -> None:
    inner = decorated.setUp

    @functools.wraps(inner)
    def set_up(test: unittest.TestCase) -> None:
        mock.__enter__()
        # This is after tearDown, and also where setUp fails.
        test.addCleanup(_leave, mock)
        with _noting(mock):
            inner(test)

    decorated.setUp = set_up


def _decorate_pytest(decorated: Any, mock: mock_aws_jobs) -> None:
    before = getattr(decorated, "setup_method", _nothing)
    after = getattr(decorated, "teardown_method", _nothing)

    def setup_method(test: object, method: object = None) -> None:
        mock.__enter__()
        try:
            _call(before, test, method)
        except BaseException as error:
            # pytest tears nothing down then.
            mock.__exit__(type(error), error, error.__traceback__)
            raise

    def teardown_method(test: object, method: object = None) -> None:
        try:
            with _noting(mock):
                _call(after, test, method)
        finally:
            _leave(mock)

    decorated.setup_method, decorated.teardown_method = setup_method, teardown_method


def _nothing() -> None:
    """Stand for a method that a class does not have."""


def _call(function: Callable[..., object], test: object, method: object) -> None:
    # pytest lets such methods leave out what they do not need.
    takes = len(inspect.signature(function).parameters)
    function(*(test, method)[:takes])


@contextmanager
def _noting(mock: mock_aws_jobs) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        mock.ended_by = error
        raise


def _leave(mock: mock_aws_jobs) -> None:
    error = mock.ended_by
    mock.__exit__(None if error is None else type(error), error, None)
