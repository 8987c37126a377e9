"""Calls to EC2 with one tenant's rights, and what its errors mean: what may pass is Unavailable, all else stays."""

import importlib.util
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from vedette.core import (
    Clock,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Record,
    TenantId,
    Unavailable,
    VedetteError,
)

__all__ = ["Account", "Ec2"]

_MOST_WORDS: Final = 300
_RENEW_BEFORE = timedelta(minutes=5)
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_PASSING: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncorrectInstanceState",
        "InternalError",
        "InternalFailure",
        "RequestExpired",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ServiceUnavailable",
        "SnapshotCreationPerVolumeRateExceeded",
        "Throttling",
        "ThrottlingException",
        "Unavailable",
    }
)
_FORBIDDEN: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "Blocked",
        "InvalidClientTokenId",
        "OptInRequired",
        "PendingVerification",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)


class Ec2(Record, frozen=True, kw_only=True):
    """Whose instances, and by whose rights. What is empty comes from AWS's own chain: environment, files, the machine's role.

    `tenant` is the only one that is acted for. `role_arn` is taken on for every call, with `external_id`. `isolation_group`
    is the id of a security group to isolate with; empty: one without rules is made in each VPC. `never_touch` are ids of
    instances.
    """

    tenant: TenantId
    enabled: bool = False
    region: str = ""
    endpoint: str = ""
    role_arn: str = ""
    external_id: str = ""
    isolation_group: str = ""
    never_touch: tuple[str, ...] = ()
    timeout_seconds: float = 15.0


class Account:
    """What is called with these settings."""

    def __init__(self, settings: Ec2, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._clients: dict[str, Any] = {}
        self._until: datetime | None = None

    @property
    def lacks(self) -> str:
        """What must be set or installed before anything begins; empty if nothing."""
        if not self.settings.enabled:
            return "acting on EC2 is off; set ec2.enabled and what docs/cloud.md names"
        return _uninstalled()

    def call(self, region: str, operation: str, /, **given: Any) -> dict[str, Any]:
        """One call, such as `describe_instances`; tried twice where the answer says that it may pass.

        Raises:
            Unavailable: throttled, out of reach, or broken on their side.
            VedetteError: it will not work later either; the words name the operation and their code.
        """
        # Not whether it is turned on: what is in force must be released all the same.
        if why := _uninstalled():
            raise InvalidInput(why)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client(region), operation)(**given)
        except ClientError as error:
            raise _said(operation, error.response) from error
        except (BotoCoreError, ValueError) as error:
            raise _unsaid(operation, error) from error
        return answer

    def allowed(self, region: str, operation: str, /, **given: Any) -> str:
        """What EC2 says to the call as a dry run of its own: `allowed`, or why not."""
        try:
            self.call(region, operation, DryRun=True, **given)
        except VedetteError as error:
            return "allowed" if "DryRunOperation" in error.detail else error.detail
        return "allowed"

    def _client(self, region: str) -> Any:
        if self._until is not None and self._clock.now() >= self._until - _RENEW_BEFORE:
            self._clients.clear()
            self._until = None
        if region not in self._clients:
            keys = self._role(region) if self.settings.role_arn else {}
            self._clients[region] = self._made("ec2", region, keys)
        return self._clients[region]

    def _role(self, region: str) -> dict[str, str]:
        given = {
            "RoleArn": self.settings.role_arn,
            "RoleSessionName": f"vedette-{self.settings.tenant}"[:64],
        }
        if self.settings.external_id:
            given["ExternalId"] = self.settings.external_id
        keys = self._made("sts", region, {}).assume_role(**given)["Credentials"]
        self._until = min(self._until or keys["Expiration"], keys["Expiration"])
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def _made(self, service: str, region: str, keys: dict[str, str]) -> Any:
        import boto3
        from botocore.config import Config
        from botocore.session import Session

        session = Session()
        session.register_component("data_loader", _loader())

        config = Config(
            connect_timeout=self.settings.timeout_seconds,
            read_timeout=self.settings.timeout_seconds,
            retries={"total_max_attempts": 2, "mode": "standard"},
            user_agent_extra="vedette",
        )
        return boto3.session.Session(botocore_session=session).client(
            service,
            region_name=region or None,
            endpoint_url=self.settings.endpoint or None,
            config=config,
            **keys,
        )


@cache
def _loader() -> Any:
    """EC2's model is megabytes of JSON: read once, whatever clients are made."""
    from botocore.loaders import create_loader

    return create_loader()


def _uninstalled() -> str:
    return "" if importlib.util.find_spec("boto3") else "needs boto3: install vedette[aws]"


def _said(operation: str, response: Any) -> VedetteError:
    told = response.get("Error", {})
    code = str(told.get("Code", ""))
    words = f"{operation}: {code}: {told.get('Message', '')}"[:_MOST_WORDS]
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _PASSING or status >= 500 or status == 429:
        return Unavailable(words)
    if code in _FORBIDDEN:
        return Forbidden(words)
    if code.endswith((".NotFound", ".Malformed")):
        return NotFound(words)
    return Conflict(words)


def _unsaid(operation: str, error: Exception) -> VedetteError:
    from botocore import exceptions as known

    words = f"{operation}: {str(error)[:_MOST_WORDS]}"
    settings = (
        ValueError,
        known.NoCredentialsError,
        known.PartialCredentialsError,
        known.NoRegionError,
        known.InvalidRegionError,
        known.ParamValidationError,
        known.ProfileNotFound,
    )
    return InvalidInput(words) if isinstance(error, settings) else Unavailable(words)
