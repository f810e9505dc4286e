"""YAML whose scalars are all text, so that ``No``, ``On`` and ``1`` stay three keys (contract §8)."""

from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str, ...]

_NULLS = {"", "~", "null", "Null", "NULL"}
_MAX_DEPTH = 20


@dataclass(slots=True)
class YamlTree:
    """What a YAML text holds (dicts, lists, text, None), the line of each path, and what is wrong with it."""

    root: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_yaml(text: str) -> YamlTree:
    """Raises nothing: a syntax error, a duplicate key or a tag is a line in ``problems``, without values."""
    tree = YamlTree()
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        # str(error) quotes the line, and the line may hold the secret.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        tree.problems.append(f"{where}not YAML: {getattr(error, 'problem', None) or 'unreadable character'}")
        return tree
    if node is not None:
        tree.root = _convert(node, (), tree)
    return tree


def _convert(node: Any, path: Path, tree: YamlTree) -> Any:
    line = node.start_mark.line + 1
    tree.lines.setdefault(path, line)
    if len(path) > _MAX_DEPTH:
        # An anchor that holds its own alias has no end.
        tree.problems.append(f"line {line}: nested more than {_MAX_DEPTH} levels deep")
        return None
    if node.tag.startswith("!"):
        tree.problems.append(f"line {line}: the tag {node.tag} is not supported; write the value itself")
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, tree)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(item, (*path, str(index)), tree) for index, item in enumerate(node.value)]
    # Quoted, "null" is a name; only the plain word is nothing.
    return None if node.style is None and node.value in _NULLS else node.value


def _mapping(node: yaml.MappingNode, path: Path, tree: YamlTree) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            tree.problems.append(f"line {line}: a key must be text")
            continue
        key = key_node.value
        here = (*path, key)
        if key in result:
            # YAML's last one wins in silence: the earlier half of a mapping table would be gone.
            tree.problems.append(f"line {line}: {'.'.join(here)} is there twice, first in line {tree.lines[here]}")
            continue
        tree.lines[here] = line
        result[key] = _convert(value_node, here, tree)
    return result
