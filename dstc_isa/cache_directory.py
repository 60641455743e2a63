"""Where things lie that are expensive to make and can be made again."""

import os
from pathlib import Path

import platformdirs


def cache_directory() -> Path:
    """The user's cache directory of this project; the environment variable DSTC_CACHE_DIR overrides it."""
    return Path(os.environ.get("DSTC_CACHE_DIR") or platformdirs.user_cache_dir("dstc_isa"))
