"""What starts by itself and stays: units of systemd."""

from tests.detect.coverage.entry import fact
from tests.detect.coverage.stage import Change, Stage, unit

__all__ = ["ENTRIES"]


def _unit(name: str, folder: str, state: str = "enabled") -> Change:
    return lambda stage: stage.add("systemd_units", unit(name, state, folder))


def _state(name: str, state: str) -> Change:
    def change(stage: Stage) -> None:
        stage.edit("systemd_units", {"id": name}, unit_file_state=state)
        if state == "masked":
            path = f"/etc/systemd/system/{name}"
            stage.edit("systemd_units", {"id": name}, fragment_path=path)

    return change


def _override(stage: Stage) -> None:
    stage.edit(
        "systemd_units", {"id": "cron.service"}, fragment_path="/etc/systemd/system/cron.service"
    )


# fmt: off
ENTRIES = (
    fact("T1543.002", "a service made by hand", "`systemd_units`: a new service in /etc/systemd/system", _unit("sysupd.service", "/etc/systemd/system"), "unit:sysupd.service"),
    fact("T1543.002", "a service among the packaged ones, without a package", "`systemd_units`: a new service in /lib/systemd/system, no package changed", _unit("dbus-monitor.service", "/lib/systemd/system"), "unit:dbus-monitor.service", role="database"),
    fact("T1543.002", "a service in shared memory", "`systemd_units`: a unit file in a temporary place", _unit("x.service", "/dev/shm"), "unit:x.service"),
    fact("T1543.002", "a service linked in from elsewhere", "`systemd_units`: a new unit in the state linked", _unit("gsd.service", "/etc/systemd/system", "linked"), "unit:gsd.service", role="build"),
    fact("T1543.002", "a packaged service is overridden by hand", "`systemd_units`: a unit's file moves from /lib to /etc", _override, "unit:cron.service"),
    fact("T1543.002", "the root shell on a console is enabled", "`systemd_units`: debug-shell.service is enabled", _state("debug-shell.service", "enabled"), "unit:debug-shell.service", before=lambda stage: stage.add("systemd_units", unit("debug-shell.service", "disabled"))),
    fact("T1053.006", "a timer made by hand", "`systemd_units`: a new timer in /etc/systemd/system", _unit("sysupd.timer", "/etc/systemd/system"), "unit:sysupd.timer"),
    fact("T1543.002", "a service that a path wakes", "`systemd_units`: a new path unit in /etc/systemd/system", _unit("upd.path", "/etc/systemd/system"), "unit:upd.path"),
    fact("T1543.002", "a service that a socket wakes", "`systemd_units`: a new socket unit in /etc/systemd/system", _unit("upd.socket", "/etc/systemd/system"), "unit:upd.socket"),
    fact("T1562.012", "the audit service is masked", "`systemd_units`: auditd.service becomes masked", _state("auditd.service", "masked"), "unit:auditd.service"),
    fact("T1562.001", "the logger is disabled", "`systemd_units`: rsyslog.service becomes disabled", _state("rsyslog.service", "disabled"), "unit:rsyslog.service", role="admin"),
    fact("T1562.001", "the logger's unit is deleted", "`systemd_units`: rsyslog.service is gone", lambda stage: stage.drop("systemd_units", id="rsyslog.service"), "unit:rsyslog.service", within=2),
    fact("T1489", "a service is masked", "`systemd_units`: the role's service becomes masked", _state("nginx.service", "masked"), "unit:nginx.service"),
    fact("ops.time-sync-off", "the clock is no longer kept", "`systemd_units`: chrony.service becomes disabled", _state("chrony.service", "disabled"), "unit:chrony.service"),
    fact("ops.updates-off", "the nightly security updates are switched off", "`systemd_units`: apt-daily-upgrade.timer becomes masked", _state("apt-daily-upgrade.timer", "masked"), "unit:apt-daily-upgrade.timer", role="build"),
    fact("ops.rotation-off", "logs are no longer rotated", "`systemd_units`: logrotate.timer becomes disabled", _state("logrotate.timer", "disabled"), "unit:logrotate.timer"),
)
# fmt: on
