"""What is never collected, whoever asks: files that are made to hold secrets, by name and by content."""

import fnmatch
import posixpath
import re
from typing import Final

from vedette.agent.evidence.settings import within
from vedette.agent.permission import Untouchable

__all__ = ["FILES", "named_secret", "secret_content"]

# Path patterns, matched against the whole path; * crosses slashes.
_SECRETS: Final = (
    "/etc/shadow*",
    "/etc/gshadow*",
    "/etc/.pwd.lock",
    "/etc/security/opasswd*",
    "/var/backups/shadow*",
    "/var/backups/gshadow*",
    "/etc/ssh/ssh_host_*_key",
    "/etc/ssl/private/*",
    "/etc/pki/*/private/*",
    "/etc/letsencrypt/archive/*",
    "/etc/letsencrypt/keys/*",
    "/etc/letsencrypt/live/*",
    "/etc/letsencrypt/accounts/*",
    "/etc/vedette/*",
    "/etc/wireguard/*",
    "/etc/ipsec.secrets",
    "/etc/ipsec.d/private/*",
    "/etc/openvpn/*.key",
    "/etc/NetworkManager/system-connections/*",
    "/run/NetworkManager/system-connections/*",
    "/etc/wpa_supplicant/*",
    "/etc/kubernetes/*.conf",
    "/etc/kubernetes/pki/*",
    "/etc/sssd/*",
    "/etc/ppp/*-secrets",
    "/etc/postfix/sasl_passwd*",
    "/etc/exim4/passwd*",
    "/etc/mysql/debian.cnf",
    "/etc/cryptsetup-keys.d/*",
    "/etc/credstore*/*",
    "/run/credentials/*",
    "/run/secrets/*",
    "/run/user/*",
    "/proc/*",
    "/sys/*",
)
# Names in lower case.
_NAMES: Final = (
    "*.ring",
    "vedette.toml",
    "*.key",
    "*.keytab",
    "*.keystore",
    "*.keyring",
    "*.kdb",
    "*.kdbx",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.jceks",
    "*.ppk",
    "*.secrets",
    "*.kubeconfig",
    "*.tfstate",
    "*.tfstate.backup",
    "kubeconfig",
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "htpasswd",
    ".htpasswd",
    ".netrc",
    ".pgpass",
    ".my.cnf",
    ".env",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".vault-token",
    ".smbcredentials",
    "rclone.conf",
    "credentials",
    "krb5cc_*",
    "id_*",
)
_PUBLIC: Final = "*.pub"
_FOLDERS: Final = frozenset(
    {".aws", ".azure", ".gnupg", ".kube", ".docker", ".password-store", "gcloud", "private"}
)
# With some of the key beside it: programs that read keys have the words alone in them.
_PEM: Final = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s+(?:[A-Za-z0-9+/=]{16}|Proc-Type|Version:|Comment:)"
    rb"|[A-Za-z0-9+/=]{4}\s+-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
)
# crypt(5), htpasswd(1) and RFC 9106, wherever they stand; and behind a name, whole or not. An account that is locked has ! or *LK* before it.
_CRYPT: Final = re.compile(
    rb"\$2[abxy]?\$[0-9]{2}\$[./0-9A-Za-z]{53}"
    rb"|\$(?:1|apr1)\$[^$:\s]{1,8}\$[./0-9A-Za-z]{22}"
    rb"|\$(?:5|6|sha1)\$(?:rounds=)?(?:[0-9]{1,9}\$)?[^$:\s]{1,64}\$[./0-9A-Za-z]{28,86}"
    rb"|\$(?:y|gy|7)\$[./0-9A-Za-z]{1,64}\$[./0-9A-Za-z]{0,86}\$[./0-9A-Za-z]{43}"
    rb"|\$argon2(?:i|d|id)\$v=[0-9]{1,3}\$m=[0-9]{1,10},[^$\s]{1,32}\$[+/0-9A-Za-z]{8,}"
    rb"|\bgrub\.pbkdf2\.sha[0-9]{1,3}\.[0-9]{1,9}\.[0-9A-Fa-f]{16}"
)
_NAMED_HASH: Final = re.compile(
    rb"(?m)^[^:\n]{1,64}:(?:!|\*|\*?LK\*?){0,4}"
    rb"(?:\$(?:1|2[abxy]?|3|5|6|7|y|gy|md5|sha1|apr1|argon2(?:i|d|id)|scrypt|P|H)[$,][^:\s]{8,}"
    rb"|\{S?SHA(?:256|512)?\}[+/=0-9A-Za-z]{24,})"
)
# A line of shadow(5), whatever its hash is; a field without one is shorter.
_SHADOW_LINE: Final = re.compile(
    rb"(?m)^[^:\s]{0,256}:[^:\s]{13,256}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}:[0-9]{0,6}\r?$"
)
_TOKENS: Final = re.compile(
    rb"(?:aws_secret_access_key|AWS_SECRET_ACCESS_KEY)[\"']?\s{0,8}[:=]\s{0,8}[\"']?[+/0-9A-Za-z]{40}"
    rb"|\bclient-key-data:\s{0,8}[\"']?[+/=0-9A-Za-z]{16}"
    rb"|(?m:^)PuTTY-User-Key-File-[0-9]:"
    rb"|\bAGE-SECRET-KEY-1[0-9A-Z]{50}"
)
# A key ring of the server's, as `seal` writes it.
_RING: Final = re.compile(rb"\"format\"\s{0,64}:\s{0,64}\"vedette\.keyring/")
# KeePass, Java key stores.
_STORES: Final = (b"\x03\xd9\xa2\x9a", b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce")
FILES: Final = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-")
"""Under another name, by a hard link, they are what they are."""
_HASHES: Final = "it has passwords' hashes in it"
# What has none of a pattern's words in it is not searched for it: that takes seconds for what is large.
_SEEN: Final = (
    (_PEM, (b"PRIVATE KEY",), "it has a private key in it"),
    (_RING, (b"vedette.keyring/",), "it has Vedette's own keys in it"),
    (_CRYPT, (b"$", b"grub.pbkdf2."), _HASHES),
    (_NAMED_HASH, (b":",), _HASHES),
    (_SHADOW_LINE, (b":",), _HASHES),
    (
        _TOKENS,
        (
            b"aws_secret_access_key",
            b"AWS_SECRET_ACCESS_KEY",
            b"client-key-data:",
            b"PuTTY-User-Key-File-",
            b"AGE-SECRET-KEY-1",
        ),
        "it has a key or credentials in it",
    ),
)


def named_secret(path: str, own: str, never: tuple[tuple[Untouchable, str], ...] = ()) -> str:
    """Why a file of that path is never collected; empty where its name does not forbid it. `own` is the agent's folder."""
    for sort, what in never:
        if sort is Untouchable.FILE and within(path, what):
            return f"never_touch names {what}"
    if own and within(path, own):
        return "it is the agent's own"
    name = posixpath.basename(path).lower()
    secret = any(fnmatch.fnmatchcase(name, one) for one in _NAMES)
    if any(fnmatch.fnmatchcase(path, one) for one in _SECRETS) or (
        secret and not fnmatch.fnmatchcase(name, _PUBLIC)
    ):
        return "files of that name hold secrets"
    if not _FOLDERS.isdisjoint(path.split("/")[:-1]):
        return "files of that folder hold secrets"
    return ""


def secret_content(data: bytes) -> str:
    """Why a file with this in it is not collected; empty where nothing of a secret is seen."""
    if data.startswith(_STORES):
        return "it is a store of keys or passwords"
    for pattern, words, why in _SEEN:
        if any(word in data for word in words) and pattern.search(data):
            return why
    return ""
