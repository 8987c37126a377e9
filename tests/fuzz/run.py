"""One process that fuzzes one target, guided by coverage: `python -m tests.fuzz.run TARGET FOLDER SECONDS`.

With a file in place of the seconds it runs that input once, as for a crash that was found. What it may hold is bounded
twice: by the limit of resident memory, and by the kernel for all that is asked for, used or not.
"""

import resource
import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["vedette"]):
    from tests.fuzz.target import Target
    from tests.fuzz.targets import TARGETS

_ADDRESS_SPACE = 2 * 1024**3
_TIMEOUT = 10
_STRUCTURED = 0.6


def _options(target: Target, folder: Path, seconds: str) -> list[str]:
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    return [
        str(corpus),
        f"-max_total_time={seconds}",
        f"-timeout={_TIMEOUT}",
        f"-rss_limit_mb={target.rss_mib}",
        f"-max_len={target.max_len}",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
        *_dictionary(target, folder),
    ]


def _dictionary(target: Target, folder: Path) -> list[str]:
    if not target.words:
        return []
    words = folder / "words"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words)
    words.write_text("".join(f'"{word}"\n' for word in escaped))
    return [f"-dict={words}"]


def _mutator(target: Target) -> dict[str, object]:
    alter = target.mutate
    if alter is None:
        return {}

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < _STRUCTURED:
            changed = alter(data, random)
            if len(changed) <= max_size:
                return changed
        mutated: bytes = atheris.Mutate(data, max_size)
        return mutated

    return {"custom_mutator": mutate}


def main() -> None:
    """Fuzzes until the time is over, or something is found."""
    name, folder, what = sys.argv[1:]
    target = TARGETS[name]
    if Path(what).is_file():
        target.check(Path(what).read_bytes())
        return
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    options = _options(target, Path(folder), what)
    atheris.Setup([sys.argv[0], *options], target.check, **_mutator(target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
