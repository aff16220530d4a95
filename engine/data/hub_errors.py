"""Whatever `datasets` and `huggingface_hub` raise, as one sentence with its cure. Tokens and signed addresses stay out."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

from engine.errors import DataError

_SECRET = re.compile(r"hf_[A-Za-z0-9]{6,}")
_QUERY = re.compile(r"(https?://[^\s?'\"]+)\?[^\s'\"]*")
_BROKEN = {"DatasetGenerationError", "DatasetGenerationCastError", "CastError", "ArrowInvalid", "ParserError"}
_LOGIN = "`hf auth login` (or the variable HF_TOKEN) says who you are"


def explain(error: BaseException, name: str, revision: str | None = None) -> DataError:
    """The error to raise in place of `error`, which came up over the dataset `name`."""
    return DataError(_sentence(list(_chain(error)), name, revision))


def is_unreachable(error: BaseException) -> bool:
    """Whether the hub was not reached at all: no network, no answer in time."""
    return any(_network(link) for link in _chain(error))


def _sentence(chain: list[BaseException], name: str, revision: str | None) -> str:
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    page = f"{endpoint()}/datasets/{name}"
    if _any(chain, GatedRepoError) or _says(chain, "gated dataset"):
        return f"{name} is gated: accept its terms on {page} and log in; {_LOGIN}."
    if _any(chain, RevisionNotFoundError) or _says(chain, "Revision '"):
        return f"{name} has no revision {revision!r}; see the branches and commits on {page}/tree/main."
    if _any(chain, DatasetNotFoundError, RepositoryNotFoundError) or _status(chain) == 404:
        return (
            f"There is no dataset {name!r} on the hub, or it is private; for private ones {_LOGIN}. "
            "No file or folder here has that name either."
        )
    if _any(chain, OfflineModeIsEnabled):
        return not_cached(name, "Offline mode is on (HF_HUB_OFFLINE)")
    if _says(chain, "Dataset scripts are no longer supported", "trust_remote_code"):
        return (
            f"{name} is loaded by a Python script of its own, which is never run here. Its pages may offer Parquet files: try "
            'revision = "refs/convert/parquet".'
        )
    if _any(chain, DataFilesNotFoundError) or any(type(link).__name__ == "EmptyDatasetError" for link in chain):
        return f"{name} holds no data files that can be read; see {page}/tree/main."
    if any(isinstance(link, OSError) and link.errno == errno.ENOSPC for link in chain) or _says(chain, "disk space"):
        return f"The disk is too full to store {name}: make room, set HF_HOME to another disk, or set streaming = true."
    if _any(chain, HFValidationError):
        return f"{name!r} is no id of a dataset: it is written owner/name."
    return _trouble(chain, name)


def _trouble(chain: list[BaseException], name: str) -> str:
    status = _status(chain)
    if status in (401, 403):
        return f"The hub refuses {name}: the token is wrong, expired or has no right to it. Log in anew with `hf auth login`."
    if status == 429:
        return f"The hub asks to wait: too many requests. Try {name} again in some minutes, or log in with `hf auth login`."
    if status is not None and status >= 500:
        return f"The hub itself has trouble (status {status}). Try {name} again later."
    if any(_network(link) for link in chain):
        return unreachable(name)
    last = chain[-1]
    if any(type(link).__name__ in _BROKEN for link in chain):
        return (
            f"A file of {name} cannot be read: {clean(str(last))}. Download the file and give its path: then bad lines are "
            "named one by one, and can be skipped."
        )
    return f"{name} cannot be read: {type(last).__name__}: {clean(str(last))}"


def unreachable(name: str) -> str:
    """The sentence for a hub that does not answer."""
    return (
        f"The hub ({endpoint()}) cannot be reached, and {name} is not in the cache. Check the network or proxy, set "
        f"HF_ENDPOINT to a mirror, or give the path of a copy. No file or folder {name!r} is here either."
    )


def not_cached(name: str, why: str) -> str:
    """The sentence for a dataset that is wanted from the cache and is not there."""
    return (
        f"{why}, and {name} is not in the cache. Load it once with a network (unset HF_HUB_OFFLINE and HF_DATASETS_OFFLINE), "
        f"or give the path of a copy. No file or folder {name!r} is here either."
    )


def endpoint() -> str:
    """The address of the hub or its mirror."""
    import datasets.config

    return str(datasets.config.HF_ENDPOINT).rstrip("/")


def clean(text: str) -> str:
    """The first line of a text, without tokens and without what follows the ? of an address."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "no reason given")
    return _SECRET.sub("hf_…", _QUERY.sub(r"\1", first))[:300]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and those behind it, the first cause last."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _any(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(link, kinds) for link in chain)


def _says(chain: list[BaseException], *words: str) -> bool:
    return any(word in str(link) for link in chain for word in words)


def _status(chain: list[BaseException]) -> int | None:
    """The status of the answer that the hub gave, where it gave one."""
    from huggingface_hub.errors import HfHubHTTPError

    found = next((link for link in chain if isinstance(link, HfHubHTTPError)), None)
    return int(found.response.status_code) if found is not None and found.response is not None else None


def _network(link: BaseException) -> bool:
    """Of the HTTP libraries that may be below, the errors are told by their names."""
    if isinstance(link, ConnectionError | TimeoutError):
        return True
    names = {
        kind.__name__ for kind in type(link).__mro__ if kind.__module__.split(".")[0] in ("httpx", "httpx2", "aiohttp")
    }
    return bool(names & {"TransportError", "ClientConnectionError", "ServerTimeoutError"})
