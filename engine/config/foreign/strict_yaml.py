"""YAML without what would be dropped in silence: a key that stands twice in one mapping is a mistake, as YAML itself says."""

from __future__ import annotations

import yaml


class StrictLoader(yaml.SafeLoader):
    """As SafeLoader; raises ConstructorError for a key that is there twice. A key may override one of a merge (`<<`)."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Look at the keys as they are written, before those of a merge come in."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} stands there twice", key.start_mark
                    )
                seen.add(key.value)
        super().flatten_mapping(node)
