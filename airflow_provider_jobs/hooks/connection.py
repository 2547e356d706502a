# SPDX-License-Identifier: Apache-2.0

"""How to reach AWS for a service: the connection, the session, the endpoint and the time limits."""

from __future__ import annotations

import sys
from datetime import timedelta
from functools import cached_property
from types import FrameType
from typing import Any, ClassVar, TypeVar

import boto3.session
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowException
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import BotoCoreError

from airflow_provider_jobs import _options as options
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._clock import AwsClock
from airflow_provider_jobs.service_models import use_service_models

__all__ = ["ServiceConnection"]

ConnectionT = TypeVar("ConnectionT", bound="ServiceConnection")

#: Seconds that a call without a time limit is assumed to take at most.
_NO_LIMIT = 3600.0
#: The most seconds that a poll waits for a connection, and for an answer.
_POLL_CONNECT, _POLL_READ = 5.0, 10.0
#: Seconds before a role's credentials expire during which botocore renews them at every call.
_RENEWED = 900


class ServiceConnection(AwsBaseHook):
    """Connects to an AWS service through an Airflow connection.

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`, and:

    :param endpoint_url: the service's endpoint, if the connection sets none; this passes on the endpoint
        from the environment of the worker that started the job.
    """

    #: The service's name in boto3.
    service: ClassVar[str]
    #: Whether the hook polls. Its calls then have shorter time limits, and are repeated at most once.
    polling: bool = False

    def __init__(self, *args: Any, endpoint_url: str | None = None, **kwargs: Any) -> None:
        kwargs["client_type"] = self.service
        try:
            super().__init__(*args, **kwargs)
        except (BotoCoreError, TypeError, ValueError) as error:
            raise JobInputError(
                f"botocore_config cannot be used: {error}. Give it parameters of botocore.config.Config."
            ) from error
        self.clock: AwsClock = AwsClock()
        #: What polls have learnt about the jobs; a hook that replaces this one takes it over.
        self.memory: dict[str, Any] = {}
        self._endpoint_url = endpoint_url
        #: The endpoint that the environment or the profile of the latest session sets.
        self._configured_endpoint: str | None = None

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """Return the connection. Only ``aws_default`` may be missing; then boto3's own credentials are used.

        :raises AirflowNotFoundException: if a connection that was named, or was found before, is not found.
        """
        # If an earlier poll found aws_default and it is missing now, Airflow failed to answer.
        named = self.aws_conn_id != self.default_conn_name or self.memory.get("connection_found")
        if self.aws_conn_id and named:
            # Otherwise the Amazon provider would fall back to the machine's own credentials and Region.
            self.get_connection(self.aws_conn_id)
        wrapper: AwsConnectionWrapper = super().conn_config
        if self.aws_conn_id and named and not wrapper:
            # It was there a moment ago. Drop the fallback that the base class has cached.
            vars(self).pop("conn_config", None)
            raise AirflowException(f"Connection {self.aws_conn_id!r} could not be read.")
        self.memory["connection_found"] = bool(wrapper)
        wrapper.botocore_config = _time_limits(self.polling).merge(wrapper.botocore_config or Config())
        if self._endpoint_url and not wrapper.get_service_endpoint_url(self.service):
            own = {**wrapper.get_service_config(self.service), "endpoint_url": self._endpoint_url}
            wrapper.service_config = {**(wrapper.service_config or {}), self.service: own}
        if not self.polling and (wrapper.assume_role_kwargs or {}).get("DurationSeconds", 3600) <= _RENEWED:
            self.log.warning(
                "The role of connection %r is assumed for 15 minutes, and therefore again for each call: "
                "botocore renews credentials in their last 15 minutes. Set DurationSeconds to an hour.",
                self.aws_conn_id,
            )
        return wrapper

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> boto3.session.Session:
        """Return the session, which has the models of our services even if botocore no longer does.

        All sessions of the process share a loader of service models, since loading them is most of a
        client's cost.
        """
        session = super().get_session(region_name=region_name, deferrable=deferrable)
        use_service_models(session)
        self._configured_endpoint = _endpoint_around(session, self.service)
        return session

    def beside(self, kind: type[ConnectionT], endpoint_url: str | None = None) -> ConnectionT:
        """Return a hook of another service over the same connection, in the same Region.

        :param kind: its class.
        :param endpoint_url: its endpoint; by default the one that is configured, or AWS's.
        """
        other = kind(
            aws_conn_id=self.aws_conn_id,
            region_name=self._region_name,
            verify=self._verify,
            config=self._config,
            endpoint_url=endpoint_url,
        )
        other.polling = self.polling
        return other

    @property
    def region(self) -> str:
        """The AWS Region from the connection or the environment; needs no credentials.

        :raises NoRegionError: if neither has one.
        """
        region = self.conn_config.region_name or boto3.session.Session().region_name
        return str(region or self.conn_region_name)

    @property
    def own_endpoint(self) -> str | None:
        """The endpoint that is configured in the connection or the environment; None for AWS's own."""
        here: str = self.conn_client_meta.endpoint_url
        configured = self.conn_config.get_service_endpoint_url(self.service) or self._configured_endpoint
        return here if configured and here != self._endpoint_of_aws else None

    @cached_property
    def _endpoint_of_aws(self) -> str:
        """AWS's own endpoint of the service in the Region."""
        return self._endpoint(environment=False)

    def configured_endpoint(self, service: str) -> str | None:
        """Return the endpoint that the connection or the environment sets for a service; None for AWS's own.

        It needs no credentials.

        :param service: the service's name in boto3.
        """
        connection: str | None = self.conn_config.get_service_endpoint_url(service)
        return connection or _endpoint_around(boto3.session.Session(), service)

    @property
    def environment_endpoint(self) -> str | None:
        """The endpoint that this machine's environment sets, if the connection sets none."""
        if self.conn_config.get_service_endpoint_url(self.service):
            return None
        if _endpoint_around(boto3.session.Session(), self.service) is None:
            return None
        here = self._endpoint(environment=True)
        return None if here == self._endpoint_of_aws else here

    def _endpoint(self, *, environment: bool) -> str:
        """Return a client's endpoint if the connection sets none; needs no credentials.

        :param environment: whether the machine's environment may set it.
        """
        session: Any = boto3.session.Session("nobody's", "secret", region_name=self.region)
        use_service_models(session)
        as_aws: dict[str, Any] = {} if environment else {"ignore_configured_endpoint_urls": True}
        config = (self.config or Config()).merge(Config(**as_aws))
        endpoint: str = session.client(self.service, config=config).meta.endpoint_url
        return endpoint

    @property
    def call_limit(self) -> timedelta:
        """How long one start call may take before the client gives up."""
        config: Any = self.conn_client_meta.config
        limits = (config.connect_timeout, config.read_timeout)
        return timedelta(seconds=sum(_NO_LIMIT if each is None else float(each) for each in limits))

    def tell_account(self) -> str | None:
        """Return the account of the connection's credentials; None if AWS does not answer.

        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        """
        once: Any = {"total_max_attempts": 1}
        limits = Config(connect_timeout=_POLL_CONNECT, read_timeout=_POLL_READ, retries=once)
        try:
            sts = self.get_session(region_name=self.conn_region_name).client(
                "sts",
                endpoint_url=self.conn_config.get_service_endpoint_url("sts"),
                config=self.config.merge(limits),
                verify=self.verify,
            )
            account: str | None = sts.get_caller_identity().get("Account")
        except Exception as error:
            self.log.debug("The account could not be determined: %s", error)
            return None
        return account

    def _get_caller(self, target_function_name: str = "execute") -> str:
        """Return the operator that uses this hook; the Amazon provider puts it into the user agent.

        The provider's own method reads the source of all modules on the stack for every client. That took a
        quarter of a task's CPU time on a worker, and blocked the triggerer's event loop. A version of the
        provider that does not call this method uses its own result.
        """
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_name == target_function_name and "self" in frame.f_locals:
                return type(frame.f_locals["self"]).__name__
            frame = frame.f_back
        return "Unknown"


def _endpoint_around(session: boto3.session.Session, service: str) -> str | None:
    """Return the endpoint that the environment or the profile sets for a service; None if neither does.

    :param session: the boto3 session.
    :param service: the service's name in boto3.
    """
    core = session._session
    provider = ConfiguredEndpointProvider(core.full_config, core.get_scoped_config(), service)
    endpoint: str | None = provider.provide()
    return endpoint


def _time_limits(polling: bool) -> Config:
    """Return the time limits of a call, which ``botocore_config`` overrides."""
    connect = options.seconds("connect_timeout")
    read = options.seconds("read_timeout")
    if not polling:
        return Config(connect_timeout=connect, read_timeout=read)
    attempts: Any = {"total_max_attempts": 2}
    return Config(
        connect_timeout=min(connect, _POLL_CONNECT), read_timeout=min(read, _POLL_READ), retries=attempts
    )
