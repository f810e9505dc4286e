"""Reads the settings: a YAML file, then environment variables; secrets also from files (contract §8).

A later source wins, leaf by leaf. What is unknown, doubled or wrong stops the start, with all problems at
once, each with the setting's name, what was found (never a secret), where, and what is allowed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from streams.config.errors import SettingsError, nearest, problem_lines
from streams.config.fields import ENV_PREFIX, LEAVES, SECTIONS, Leaf, Shape, variable_of
from streams.config.fields import Path as Keys
from streams.config.yaml_text import read_yaml
from streams.settings import Settings

DEFAULT_FILE = Path("willow-sync.yml")

NO_SETTINGS = re.compile(r"CONFIG|CACHE|MAVEN_REPOSITORY|TEST_\w+")
"""Variables of our prefix that are no settings: read by the commands, the Kafka download and the tests."""

SERVICE_LINK = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)")
"""Kubernetes puts such variables into each pod beside a Service named willow-sync; they must not stop it."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """``origins``: dotted name of every leaf → where its value comes from, for people."""

    settings: Settings
    origins: Mapping[str, str]


@dataclass(slots=True)
class _Gathered:
    tree: dict[str, Any] = field(default_factory=dict)
    origins: dict[Keys, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def put(self, path: Keys, value: Any, origin: str) -> None:
        level = self.tree
        for depth, key in enumerate(path[:-1], start=1):
            below = level.setdefault(key, {})
            if not isinstance(below, dict):
                self.problems.append(
                    f"{'.'.join(path)}: set by {origin}, but {'.'.join(path[:depth])} is one word "
                    f"({self.origin(path[:depth])}); write that one as a group of settings"
                )
                return
            level = below
        level[path[-1]] = value
        self.origins = {known: text for known, text in self.origins.items() if known[: len(path)] != path}
        self.origins[path] = origin

    def origin(self, path: Keys) -> str:
        """Where the value at ``path`` comes from: said for it, or for the group that it was given with."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return "default"


def load_settings(config: Path | None, environ: Mapping[str, str]) -> LoadedSettings:
    """``config``, else ``WILLOW_SYNC_CONFIG``, else ``./willow-sync.yml`` if there is one; then ``environ``.

    Raises ``SettingsError`` with one line per problem."""
    gathered = _Gathered()
    file = _from_file(config, environ, gathered)
    _from_environment(environ, gathered)
    try:
        settings = Settings.model_validate(gathered.tree)
    except ValidationError as error:
        if file is None and any(found["type"] == "missing" for found in error.errors()):
            gathered.problems.append(f"no settings file: ./{DEFAULT_FILE} is not there and --config was not given")
        gathered.problems.extend(problem_lines(error, gathered.origin))
        raise SettingsError(gathered.problems) from None
    if gathered.problems:
        raise SettingsError(gathered.problems)
    return LoadedSettings(settings, {leaf.name: gathered.origin(leaf.path) for leaf in LEAVES.values()})


_NAME_A_FILE = (
    "Name a file that can be read: --config FILE or WILLOW_SYNC_CONFIG; ops/config/willow-sync.example.yml is one to"
    " start from."
)


def _from_file(config: Path | None, environ: Mapping[str, str], gathered: _Gathered) -> Path | None:
    """The file that was read; None where there is none."""
    file, why = _which_file(config, environ)
    if file is None:
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError([f"settings file {file} ({why}): {reason}"], _NAME_A_FILE) from None
    tree = read_yaml(text)
    if tree.problems:
        raise SettingsError([f"{file} {problem}" for problem in tree.problems])
    if not isinstance(tree.root, dict | None):
        raise SettingsError([f"{file}: found no settings but {_kind(tree.root)}; expected lines like `willow:`"])
    for path, value in _flat(tree.root or {}, ()):
        origin = f"{file} line {tree.lines[path]}"
        secret = _secret_named(path)
        if secret is None:
            gathered.put(path, value, origin)
        elif _at(tree.root, secret.path) is not None:
            gathered.problems.append(f"{secret.name}: {origin} names a file and the value is there too; keep one")
        else:
            _from_secret_file(secret, str(value), file.parent, origin, gathered)
    return file


def _which_file(config: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, str]:
    if config is not None:
        return config, "--config"
    named = environ.get(ENV_PREFIX + "CONFIG")
    if named:
        return Path(named), ENV_PREFIX + "CONFIG"
    return (DEFAULT_FILE if DEFAULT_FILE.exists() else None), "current folder"


def _flat(tree: dict[str, Any], path: Keys) -> Iterator[tuple[Keys, Any]]:
    """Leaves, and whatever is no leaf of ours, for the validation to name."""
    for key, value in tree.items():
        here = (*path, key)
        if here not in SECTIONS:
            yield here, value
        elif isinstance(value, dict):
            yield from _flat(value, here)
        elif value is not None:  # a group with every line commented out is the group's defaults
            yield here, value


def _from_environment(environ: Mapping[str, str], gathered: _Gathered) -> None:
    for variable in sorted(name for name in environ if name.startswith(ENV_PREFIX)):
        rest = variable.removeprefix(ENV_PREFIX)
        path = tuple(rest.lower().split("__"))
        secret = _secret_named(path)
        if path in LEAVES:
            _from_variable(LEAVES[path], environ[variable], variable, gathered)
        elif path in SECTIONS:
            gathered.put(path, environ[variable], variable)
        elif secret is not None:
            if secret.variable in environ:
                gathered.problems.append(f"{secret.name}: both {secret.variable} and {variable} are set; keep one")
            else:
                _from_secret_file(secret, environ[variable], Path(), variable, gathered)
        elif not NO_SETTINGS.fullmatch(rest) and not ("__" not in rest and SERVICE_LINK.fullmatch(rest)):
            hint = nearest(path)
            gathered.problems.append(
                f"{variable}: unknown setting" + (f"; did you mean {variable_of(hint)}?" if hint else "")
            )


def _from_variable(leaf: Leaf, text: str, variable: str, gathered: _Gathered) -> None:
    if leaf.shape is Shape.LIST and not text.lstrip().startswith("["):
        gathered.put(leaf.path, [item.strip() for item in text.split(",") if item.strip()], variable)
    elif leaf.shape in {Shape.LIST, Shape.MAP}:
        tree = read_yaml(text)
        gathered.problems.extend(f"{variable}: {problem}" for problem in tree.problems)
        gathered.put(leaf.path, tree.root, variable)
    else:
        gathered.put(leaf.path, text, variable)


def _secret_named(path: Keys) -> Leaf | None:
    """The secret that a path like ``willow.client_secret_file`` gives the file of."""
    if not path[-1].endswith("_file"):
        return None
    leaf = LEAVES.get((*path[:-1], path[-1].removesuffix("_file")))
    return leaf if leaf is not None and leaf.shape is Shape.SECRET else None


def _from_secret_file(secret: Leaf, name: str, folder: Path, origin: str, gathered: _Gathered) -> None:
    file = folder / name
    try:
        # Editors and `echo` end a file with a line break, which is no part of the secret.
        value = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        gathered.problems.append(f"{secret.name}: cannot read {file} (named by {origin}): {reason}")
        # Without this it would be reported a second time, as missing.
        gathered.put(secret.path, "unread", origin)
        return
    gathered.put(secret.path, value, f"file {file}, named by {origin}")


def _at(tree: Any, path: Keys) -> Any:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, list) else "one word"
