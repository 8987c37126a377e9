"""The kinds of action that are carried out through a cloud's API, made of the settings."""

import msgspec

from vedette.app.settings import Settings
from vedette.core import Clock, ConfigError, SystemClock, TenantId
from vedette.respond import (
    Account,
    Cluster,
    Ec2,
    Ec2Isolate,
    Ec2Stop,
    Enrolments,
    Kind,
    Kubernetes,
    KubernetesCordon,
    KubernetesIsolate,
    KubernetesScale,
    schemas,
)

__all__ = ["check_clouds", "cloud_kinds", "clouds_of"]


def cloud_kinds(settings: Settings, enrolments: Enrolments, clock: Clock) -> list[Kind]:
    """All of them, whether turned on or not: what is in force must be released even after it was turned off here."""
    account, cluster = _account(settings, clock), _cluster(settings)
    return [
        Ec2Isolate(account, enrolments),
        Ec2Stop(account, enrolments),
        KubernetesCordon(cluster, enrolments),
        KubernetesIsolate(cluster, enrolments),
        KubernetesScale(cluster, enrolments),
    ]


def check_clouds(settings: Settings) -> None:
    """Raises ConfigError if a cloud is turned on whose library is not installed."""
    if settings.ec2.enabled and (lacks := _account(settings, SystemClock()).lacks):
        raise ConfigError(f"ec2.enabled is set, which {lacks}")
    if settings.kubernetes.enabled and (lacks := _cluster(settings).lacks):
        raise ConfigError(f"kubernetes.enabled is set, which {lacks}")


def clouds_of(settings: Settings, tenant: TenantId) -> dict[str, str]:
    """The kinds that are carried out through a cloud's API, with why that can't be for this tenant; empty words where it can."""
    enabled = {"ec2": settings.ec2.enabled, "kubernetes": settings.kubernetes.enabled}
    found: dict[str, str] = {}
    for kind in schemas():
        section = kind.partition("_")[0]
        if section not in enabled:
            continue
        if not enabled[section]:
            found[kind] = f"{kind} is off: {section}.enabled is not set (docs/cloud.md)"
        elif tenant != settings.tenant:
            found[kind] = f"{kind} is not set up for hosts of this tenant (docs/cloud.md)"
        else:
            found[kind] = ""
    return found


def _account(settings: Settings, clock: Clock) -> Account:
    given = msgspec.to_builtins(settings.ec2) | {"tenant": TenantId(settings.tenant)}
    return Account(msgspec.convert(given, Ec2), clock)


def _cluster(settings: Settings) -> Cluster:
    given = msgspec.to_builtins(settings.kubernetes) | {"tenant": TenantId(settings.tenant)}
    return Cluster(msgspec.convert(given, Kubernetes))
