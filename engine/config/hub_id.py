"""What looks like the id of a dataset on the Hugging Face hub, told from a path."""

from __future__ import annotations

import re

from engine.config.data import PACKED, READABLE

_HUB_ID = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?(?:/\w(?:[\w.-]{0,94}\w)?)?", re.ASCII)


def looks_like_hub_id(text: str) -> bool:
    """Whether `text` could be "owner/name", or the bare name of an old dataset, and has no ending of a data file.

    Whether something of that name lies on this disk is the caller's to ask, who knows beside what to look.
    """
    ends_as_file = text.lower().endswith((*READABLE, *PACKED))
    return bool(_HUB_ID.fullmatch(text)) and ".." not in text and "--" not in text and not ends_as_file
