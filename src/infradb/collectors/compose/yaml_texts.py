"""Reads YAML as texts: compose's `22:22` is no number in base 60, and `no` no truth value."""

from typing import Any

import yaml


class TextLoader(yaml.SafeLoader):
    """Makes texts, lists and mappings; merges `<<`, and takes a value with an unknown tag as if it had none."""

    yaml_implicit_resolvers = {"<": yaml.SafeLoader.yaml_implicit_resolvers["<"]}


def _untagged(loader: Any, suffix: str, node: Any) -> Any:
    if suffix == "reset":  # `!reset null`: the file below does not count
        return None
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


TextLoader.add_multi_constructor("!", _untagged)
