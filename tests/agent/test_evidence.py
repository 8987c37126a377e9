"""Evidence: what is read of files and processes, however they try to be a trap, and what is told of the rest."""

import os
import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.gathered import Hurried, Opened, gathered
from tests.agent.processes_host import SOURCE
from tests.agent.tree import Tree

from vedette.agent.collect.source import Source
from vedette.agent.evidence.archive import Archive
from vedette.agent.evidence.reading import LeftOut, part_of
from vedette.agent.evidence.request import asked
from vedette.agent.evidence.settings import EvidenceSettings
from vedette.agent.permission import Permission, read_untouchables
from vedette.core import ConfigError, InvalidInput, ManualClock
from vedette.seal import KeyRing, SigningKey

PEM = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAA" * 3


@pytest.fixture
def source(tree: Tree) -> Source:
    return Source(str(tree.root))


def test_a_file_comes_whole_with_its_size_and_times(tree: Tree, source: Source) -> None:
    path = tree.write("/etc/hosts", "127.0.0.1 localhost\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    found = gathered(source, files=["/etc/hosts"])
    assert found.members["files/etc/hosts"] == b"127.0.0.1 localhost\n"
    entry = found.entry("files/etc/hosts")
    assert (entry["of"], entry["whole"], entry["note"]) == ("/etc/hosts", 20, "")
    assert entry["modified"] == "2023-11-14T22:13:20Z"
    assert found.manifest["schema"] == "vedette.evidence/1"
    assert found.manifest["host"] == "h-1"
    assert found.manifest["bounds"]["most_bytes"] == 8 * 1024 * 1024
    assert found.omitted == {}


def test_of_a_log_the_end_is_kept_and_of_a_file_the_beginning(tree: Tree, source: Source) -> None:
    tree.write("/var/log/auth.log", "a" * 90 + "z" * 10)
    found = gathered(
        source, logs=["/var/log/auth.log"], files=["/var/log/auth.log"], most_file_bytes=10
    )
    assert found.members["logs/var/log/auth.log"] == b"z" * 10
    assert found.members["files/var/log/auth.log"] == b"a" * 10
    assert found.entry("logs/var/log/auth.log")["note"] == "the last 10 of 100 bytes"
    assert found.entry("files/var/log/auth.log")["note"] == "the first 10 of 100 bytes"


def test_links_pipes_devices_and_folders_are_never_opened(tree: Tree, source: Source) -> None:
    tree.write("/etc/shadow", "root:$6$salt$hash1234567:1::::::\n")
    tree.write("/tmp/real/x", "x")
    root = Path(source.at("/tmp"))
    (root / "link").symlink_to("/etc/passwd")
    (root / "folder").symlink_to("real")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        old = Path.cwd()
        try:
            os.chdir(root)
            listening.bind("socket")
        finally:
            os.chdir(old)
        names = ["link", "folder/x", "pipe", "socket", "real", "none", "real/x"]
        found = gathered(source, files=[f"/tmp/{name}" for name in names])
    assert list(found.members) == ["manifest.json", "files/tmp/real/x"]
    why = {name: found.omitted[f"/tmp/{name}"] for name in names[:-1]}
    assert "symbolic link" in why["link"]
    assert "/tmp/folder is a symbolic link" in why["folder/x"]
    assert why["pipe"] == "it is a FIFO"
    assert why["socket"] == "it is a socket"
    assert why["real"] == "it is a folder"
    assert "No such file" in why["none"]


def test_a_device_is_not_even_opened() -> None:
    with pytest.raises(LeftOut, match="a device"):
        part_of("/dev/zero", SOURCE, 10)


def test_a_path_that_climbs_is_none(source: Source) -> None:
    for path in ("etc/hosts", "/etc/../etc/hosts", "/etc/./hosts", "/etc//hosts", "/", "/a\0b"):
        with pytest.raises(LeftOut):
            part_of(path, source, 10)


def test_a_link_that_is_put_in_its_place_while_it_is_looked_at_is_not_followed(
    tree: Tree, source: Source
) -> None:
    path = Path(tree.write("/tmp/x", "harmless"))
    tree.write("/etc/secret", "secret")

    def swapped(fd: int) -> None:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            path.unlink()
            path.symlink_to("/etc/secret")

    part = part_of("/tmp/x", source, 100, passes=swapped)
    assert part.data == b"harmless"


def test_a_file_that_grows_is_read_as_far_as_it_went(tree: Tree, source: Source) -> None:
    path = Path(tree.write("/tmp/x", "a" * 10))

    def grows() -> bool:
        with path.open("a") as file:
            file.write("b" * 1_000)
        return False

    part = part_of("/tmp/x", source, 100, late=grows)
    assert part.data == b"a" * 10
    assert "changed while it was read" in part.note


def test_a_file_that_shrinks_and_a_sparse_one_cost_no_more_than_the_bound(
    tree: Tree, source: Source
) -> None:
    path = Path(tree.write("/tmp/x", "a" * 10))

    def shrinks() -> bool:
        path.write_text("")
        return False

    assert part_of("/tmp/x", source, 100, late=shrinks).data == b""
    os.truncate(path, 1 << 40)
    part = part_of("/tmp/x", source, 64)
    assert part.data == bytes(64)
    assert part.note == f"the first 64 of {1 << 40} bytes"
    assert part_of("/tmp/x", source, 64, tail=True).data == bytes(64)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/etc/shadow-",
        "/etc/gshadow",
        "/etc/ssh/ssh_host_ed25519_key",
        "/etc/ssl/private/web.pem",
        "/etc/vedette/agent.toml",
        "/opt/app/server.key",
        "/opt/app/.aws/config",
        "/opt/app/.netrc",
        "/tmp/id_rsa",
        "/tmp/id_work",
        "/tmp/Wallet.KDBX",
        "/opt/app/kubeconfig",
        "/opt/app/.pgpass",
        "/opt/app/.env",
        "/opt/copy/shadow",
        "/opt/vedette/opening.ring",
        "/opt/vedette/command.key",
        "/opt/vedette/vedette.toml",
        "/tmp/private/x",
    ],
)
def test_files_that_are_made_to_hold_secrets_are_never_collected(
    tree: Tree, source: Source, path: str
) -> None:
    tree.write(path, "x")
    found = gathered(source, Permission(evidence=EvidenceSettings(paths=("/",))), files=[path])
    assert list(found.members) == ["manifest.json"]
    assert "secrets" in found.omitted[path]


def test_a_secret_under_another_name_is_known_by_what_it_is(tree: Tree, source: Source) -> None:
    shadow = tree.write("/etc/shadow", "nothing to be seen in it")
    tree.write("/tmp/a", "x")
    os.link(shadow, Path(source.at("/tmp/hard")))
    Path(source.at("/tmp/pem")).write_bytes(b"x\n" + PEM)
    Path(source.at("/tmp/end")).write_bytes(b"AAAABBBB\n-----END RSA PRIVATE KEY-----\n")
    Path(source.at("/tmp/copy")).write_text("root:$y$j9T$abcdefgh:19000:0:99999:7:::\n")
    Path(source.at("/tmp/words")).write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\n\0")
    found = gathered(source, files=[f"/tmp/{n}" for n in ("hard", "pem", "end", "copy", "words")])
    assert list(found.members) == ["manifest.json", "files/tmp/words"]
    assert "under another name" in found.omitted["/tmp/hard"]
    assert found.omitted["/tmp/pem"] == found.omitted["/tmp/end"] == "it has a private key in it"
    assert found.omitted["/tmp/copy"] == "it has passwords' hashes in it"


SALT, HASH = "abcdefgh", "Ab1./" * 20
HASHES = (
    f"alice:$apr1$abcdefgh${HASH[:22]}\n",
    "alice:{SHA}" + "A" * 27 + "=\n",
    f"alice:$2y$05${HASH[:53]}\n",
    "root:!$6$salt$hash:19000:0:99999:7:::\n",
    f"root:!!$6${SALT}${HASH[:86]}:19000::::::\n",
    f"root:*LK*$6${SALT}${HASH[:86]}:19000::::::\n",
    f"root:!$y$j9T${SALT}${HASH[:43]}:19000:0:99999:7:::\n",
    f"bin:*:1::::::\nann:!$2b$12${HASH[:53]}:1::::::\n",
    "old:!abJnggxhB/yWI:19000:0:99999:7:::\n",
    f"  passwd: $6$rounds=4096${SALT}${HASH[:86]}\n",
    f'"password": "$2b$12${HASH[:53]}"',
    f"password_pbkdf2 root grub.pbkdf2.sha512.10000.{'0A' * 64}",
)
HARMLESS = (
    "root:x:0:0:root:/root:/bin/bash\nbin:*:1::::::\nann:!:19000:0:99999:7:::\nbob:!*:1::::::\n",
    "PATH=$HOME/bin:$1/bin/abcdefghi\nexport A=$y:$PATH\n",
    "a:b:c:d\n2026-01-01T00:00:00 sshd[5]: Failed password for root from 192.0.2.1\n",
    'FORMAT = "vedette.keyring/1"\n',
    "aws_secret_access_key = ${SECRET}\n",
)


@pytest.mark.parametrize("content", HASHES)
def test_hashes_of_passwords_are_found_wherever_they_stand(
    tree: Tree, source: Source, content: str
) -> None:
    tree.write("/etc/copy", content)
    found = gathered(source, files=["/etc/copy"], logs=["/etc/copy"])
    assert list(found.members) == ["manifest.json"]
    assert found.omitted["/etc/copy"] == "it has passwords' hashes in it"


@pytest.mark.parametrize("content", HARMLESS)
def test_what_only_looks_like_a_secret_is_collected(
    tree: Tree, source: Source, content: str
) -> None:
    tree.write("/etc/copy", content)
    assert gathered(source, files=["/etc/copy"]).members["files/etc/copy"] == content.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5",
        b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + b"lQOYBF" * 9,
        b"[x]\naws_secret_access_key = " + b"wJalrXUtnFEMI/K7" * 2 + b"EXAMPLE1",
        b"users:\n- user:\n    client-key-data: " + b"LS0tLS1CRUdJTiB" * 3,
    ],
)
def test_keys_and_credentials_are_found_by_content(
    tree: Tree, source: Source, content: bytes
) -> None:
    Path(tree.write("/etc/copy", "")).write_bytes(content)
    found = gathered(source, files=["/etc/copy"])
    assert list(found.members) == ["manifest.json"]
    assert "/etc/copy" in found.omitted


def test_vedettes_own_keys_are_never_given_whatever_they_are_called(
    tree: Tree, source: Source
) -> None:
    ring, other = KeyRing.generate(), "/opt/var/keys/ingest.pub"
    for _ in range(9):
        ring = ring.rotated()
    for name in ("/opt/var/keys/opening.ring", "/tmp/copied"):
        ring.save(Path(tree.write(name, "")))
    SigningKey.generate().save(Path(tree.write("/tmp/signing", "")))
    tree.write(other, "x")
    tree.write("/opt/var/models/any", "x")
    tree.write("/opt/agent/host.key", "x")
    tree.write("/opt/agent/enrolment.json", "x")
    paths = ["/opt/var/keys/opening.ring", "/tmp/copied", "/tmp/signing", other]
    paths += ["/opt/var/models/any", "/opt/agent/enrolment.json"]
    found = gathered(source, files=paths, logs=paths, most_file_bytes=1024)
    assert list(found.members) == ["manifest.json"]
    assert "secrets" in found.omitted[paths[0]]
    assert found.omitted["/tmp/copied"] == "it has Vedette's own keys in it"
    assert found.omitted["/tmp/signing"] == "it has a private key in it"
    for path in (other, "/opt/var/models/any", "/opt/agent/enrolment.json"):
        assert found.omitted[path] == "it is Vedette's own"


def test_what_is_never_touched_is_known_under_another_name(tree: Tree, source: Source) -> None:
    kept = tree.write("/data/payroll/x", "x")
    one = tree.write("/data/one", "x")
    tree.write("/etc/x", "x")
    Path(source.at("/srv")).symlink_to(source.at("/data"))
    os.link(one, source.at("/etc/linked"))
    permission = Permission(
        evidence=EvidenceSettings(paths=("/",)),
        never_touch=read_untouchables(["file:/srv/payroll", "file:/data/one", "file:/none"]),
    )
    assert Path(kept).exists()
    found = gathered(source, permission, files=["/data/payroll/x", "/etc/linked", "/etc/x"])
    assert list(found.members) == ["manifest.json", "files/etc/x"]
    assert found.omitted["/data/payroll/x"] == "never_touch names /srv/payroll"
    assert found.omitted["/etc/linked"] == "never_touch names /data/one"


def test_what_this_host_does_not_allow_is_left_out_whoever_asks(tree: Tree, source: Source) -> None:
    for path in ("/srv/payroll/x", "/home/ann/x", "/var/lib/vedette-agent/x", "/etcetera"):
        tree.write(path, "x")
    permission = Permission(
        evidence=EvidenceSettings(paths=("/srv", "/var/lib", "/etc")),
        never_touch=read_untouchables(["file:/srv/payroll"]),
        own="/var/lib/vedette-agent",
    )
    paths = ["/srv/payroll/x", "/home/ann/x", "/var/lib/vedette-agent/x", "/etcetera"]
    found = gathered(source, permission, files=paths)
    assert list(found.members) == ["manifest.json"]
    assert found.omitted["/srv/payroll/x"] == "never_touch names /srv/payroll"
    assert found.omitted["/var/lib/vedette-agent/x"] == "it is the agent's own"
    assert "evidence.paths" in found.omitted["/home/ann/x"]
    assert "evidence.paths" in found.omitted["/etcetera"]


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    most=st.integers(1, 1_500),
    each=st.integers(1, 300),
    count=st.integers(1, 12),
)
def test_no_bound_is_ever_passed_and_everything_is_either_there_or_named(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], most: int, each: int, count: int
) -> None:
    root = tmp_path_factory.mktemp("many")
    (root / "tmp").mkdir()
    for number, size in enumerate(sizes):
        (root / "tmp" / str(number)).write_bytes(bytes([65 + number]) * size)
    names = [f"/tmp/{number}" for number in range(len(sizes))]
    found = gathered(
        Source(str(root)), files=names, most_bytes=most, most_file_bytes=each, most_files=count
    )
    kept = found.manifest["entries"]
    assert sum(one["size"] for one in kept) <= most
    assert all(one["size"] <= each for one in kept)
    assert len(kept) <= count
    assert {one["of"] for one in kept} | set(found.omitted) == set(names)
    for one in kept:
        whole = sizes[int(one["of"].removeprefix("/tmp/"))]
        assert bool(one["note"]) == (one["size"] < whole)


def test_the_hosts_bounds_hold_whatever_is_asked(tree: Tree, source: Source) -> None:
    tree.write("/tmp/x", "x" * 5_000)
    own = EvidenceSettings(max_file_bytes=1024, max_files=1)
    tree.write("/tmp/y", "y")
    permission = Permission(evidence=own)
    found = gathered(
        source, permission, files=["/tmp/x", "/tmp/y"], most_file_bytes=10**9, most_files=99
    )
    assert len(found.members["files/tmp/x"]) == 1024
    assert found.omitted == {"/tmp/y": "the bundle had its 1 files"}


def test_when_the_time_is_over_the_rest_is_named(tree: Tree, source: Source) -> None:
    for name in "abcdefgh":
        tree.write(f"/tmp/{name}", name)
    found = gathered(
        source, clock=Hurried(), files=[f"/tmp/{n}" for n in "abcdefgh"], most_seconds=9
    )
    late = [why for why in found.omitted.values() if "time for collecting" in why]
    assert late
    assert len(found.manifest["entries"]) + len(late) == 8


def test_names_in_an_archive_stay_below_it_and_differ() -> None:
    archive, now = Archive(), ManualClock().now()
    for name in ("../../etc/x", "/etc/x", "etc/./x", "..", "manifest.json", "a" * 2_000):
        archive.add(name, name, b"x", now)
    archive.leave_out("x", "y")
    archive.leave_out("x", "y")
    found = Opened(archive.packed({}))
    names = [one["path"] for one in found.manifest["entries"]]
    assert names[:5] == ["etc/x", "etc/x~2", "etc/x~3", "unnamed", "manifest.json~2"]
    assert len(names[5]) == 900
    assert found.omitted == {"x": "y"}


def test_what_nobody_found_before_is_told_and_wrong_parameters_are_refused(source: Source) -> None:
    found = gathered(source, unresolved=["no process is named"])
    assert found.omitted == {"what the incident's reasons name": "no process is named"}
    for wrong in ({"sudo": 1}, {"files": "x"}, {"most_bytes": 0}, {"processes": [{"pid": 0}]}):
        with pytest.raises(InvalidInput):
            asked(wrong)


@pytest.mark.parametrize("path", ["etc", "/etc/", "/etc/../x", "//"])
def test_paths_of_the_setting_are_absolute_and_plain(path: str) -> None:
    with pytest.raises(ConfigError, match=r"evidence\.paths"):
        EvidenceSettings(paths=(path,)).check()


@pytest.mark.parametrize("text", ["file:etc", "file:/etc/../x", "file:/etc/"])
def test_what_is_never_touched_has_a_plain_path(text: str) -> None:
    with pytest.raises(ConfigError, match="absolute path"):
        read_untouchables([text])
