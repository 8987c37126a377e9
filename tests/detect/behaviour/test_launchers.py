"""Tools that run a project's code: builds and tests are people's work, a service that they run is none."""

import pytest

from vedette.core import Row
from vedette.detect.behaviour.form import form
from vedette.detect.behaviour.scope import Forms
from vedette.detect.behaviour.shape import context, processes
from vedette.detect.behaviour.trade import served


def _row(pid: int, parent: int, path: str, command: str, uid: int) -> Row:
    return {
        "pid": pid,
        "parent": parent,
        "name": path.rsplit("/", 1)[-1][:15],
        "path": path,
        "cmdline": command,
        "cwd": "/srv/app",
        "uid": uid,
        "euid": uid,
        "on_disk": 1,
    }


def _behind(*above: Row) -> str:
    rows = {str(row["pid"]): row for row in above}
    last = above[-1]["pid"]
    rows["900"] = {**_row(900, 0, "/usr/bin/dash", "sh -c id", 33), "parent": last}
    [process] = processes(rows, Forms(rows), ["900"])
    return context(process, rows, Forms(rows))


_INIT = _row(1, 0, "/usr/lib/systemd/systemd", "/sbin/init", 0)
_APP = _row(500, 400, "/usr/bin/python3", "python3 app.py", 33)


@pytest.mark.parametrize("tool", ["uv run app.py", "npm start", "make run", "poetry run app"])
def test_a_service_under_a_build_tool_is_a_service(tool: str) -> None:
    run = _row(400, 1, f"/usr/bin/{tool.split(maxsplit=1)[0]}", tool, 33)
    assert _behind(_INIT, run, _APP) == "init"


@pytest.mark.parametrize(
    ("path", "command", "uid"),
    [
        ("/usr/bin/gitlab-runner", "gitlab-runner run", 33),
        ("/usr/bin/java", "java -jar /var/lib/jenkins/remoting.jar -url x", 33),
        ("/usr/bin/dpkg", "dpkg --configure -a", 0),
    ],
)
def test_a_build_tool_under_an_agent_that_builds_is_work(path: str, command: str, uid: int) -> None:
    agent = _row(300, 1, path, command, uid)
    run = _row(400, 300, "/usr/bin/npm", "npm test", 33)
    assert _behind(_INIT, agent, run, _APP) == "work"


def _marks(*above: Row) -> list[str]:
    """Of a tool that fetches, run by a service's account under these."""
    rows = {str(row["pid"]): row for row in above}
    fetch = _row(900, 0, "/usr/bin/curl", "curl http://files.example.net/a", 33)
    rows["900"] = {**fetch, "parent": above[-1]["pid"]}
    (process,) = processes(rows, Forms(rows), ["900"])
    return [*served(process.form, process.parent, process.starter, alone=process.alone)]


@pytest.mark.parametrize("tool", ["uv run x", "make -f x", "npm exec x"])
def test_an_application_that_takes_up_a_build_tool_is_told_for_what_that_starts(tool: str) -> None:
    app = _row(400, 1, "/usr/sbin/nginx", "nginx: worker process", 33)
    build = _row(500, 400, f"/usr/bin/{tool.split(maxsplit=1)[0]}", tool, 33)
    shell = _row(600, 500, "/usr/bin/dash", "sh -c curl http://files.example.net/a", 33)
    assert _marks(_INIT, app, build) == ["service.fetch"]
    assert _marks(_INIT, app, build, shell) == ["service.fetch"]
    assert _marks(_INIT, {**build, "parent": 1}) == []


def test_a_build_of_a_persons_is_work() -> None:
    assert _behind(_INIT, _row(400, 1, "/usr/bin/make", "make", 1_000), _APP) == "work"


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/bin/python3", "python3 /srv/drone-api/main.py"),
        ("/usr/bin/java", "java -javaagent:/opt/otel/opentelemetry-javaagent.jar -jar app.jar"),
        ("/usr/bin/java", "java -jar /srv/concourse/app.jar"),
        ("/srv/app/teamcity-proxy", "/srv/app/teamcity-proxy"),
        ("/usr/bin/python3", "python3 x.py drone-1"),
        ("/usr/bin/dash", "sh -c :;/actions-runner/;curl example.org"),
        ("/usr/bin/dash", "sh /srv/app/x.sh jenkins"),
        ("/usr/bin/dash", "jenkins-agent -c id"),
        ("/usr/bin/curl", "curl https://example.org/jenkins"),
    ],
)
def test_a_service_with_a_like_name_is_no_agent_that_builds(path: str, command: str) -> None:
    assert form(path.rsplit("/", 1)[-1], path, command, "/srv", 1).role != "builder"


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/bin/java", "java -jar /opt/agent.jar -url https://ci"),
        ("/home/ci/actions-runner/bin/Runner.Listener", "Runner.Listener run"),
        ("/usr/bin/dash", "sh /opt/actions-runner/run.sh"),
        ("/usr/bin/drone-runner-exec", "drone-runner-exec daemon"),
        ("/usr/bin/buildkite-agent", "buildkite-agent start"),
    ],
)
def test_agents_that_build_are_known(path: str, command: str) -> None:
    assert form(path.rsplit("/", 1)[-1], path, command, "/", 1).role == "builder"
