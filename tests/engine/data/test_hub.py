"""The hub, without the hub: real libraries against a small server of our own, then against their cache, then against nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.data.hub import _within, choose_split
from engine.data.hub_errors import clean, explain, is_unreachable
from engine.errors import DataError
from tests.engine.data.small_hub import Repo, SmallHub, serving

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "hf_" + "a1B2c3D4" * 4
COMMIT = "a" * 40
CARD = b"""---
configs:
- config_name: main
  data_files:
  - {split: train, path: main/train.jsonl}
  - {split: test, path: main/test.jsonl}
- config_name: other
  data_files: other/*.jsonl
---
"""


def lines(count: int) -> bytes:
    return b"".join(json.dumps({"question": f"q{i}", "answer": f"a{i}"}).encode() + b"\n" for i in range(count))


MIXED = [
    {"messages": [{"role": "user", "content": "x", "arguments": {"a": 1}}]},
    {"messages": [{"role": "user", "content": ["y", 2]}]},
]


def small_hub() -> SmallHub:
    qa = {"README.md": CARD, "main/train.jsonl": lines(600), "main/test.jsonl": lines(5), "other/x.jsonl": lines(3)}
    return SmallHub(
        {
            "org/qa": Repo(qa),
            "org/gated": Repo({"README.md": b"", "d.jsonl": lines(3)}, gated=True),
            "org/plain": Repo({"data.csv": b"text\n007\nb\n"}),
            "org/mixed": Repo({"d.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in MIXED)}),
            "org/script": Repo({"script.py": b"raise SystemExit", "README.md": b""}),
            "org/empty": Repo({"README.md": b"---\nlicense: mit\n---\n"}),
            "org/broken": Repo({"d.jsonl": b'{"a": 1}\n{"a": \n'}),
        }
    )


QA = {"path": "org/qa", "subset": "main"}
ONLINE: dict[str, dict[str, Any]] = {
    "stored": QA,
    "test": {**QA, "split": "test"},
    "stream": {"path": "org/qa", "subset": "other", "streaming": True, "max_rows": 2},
    "long stream": {**QA, "streaming": True, "max_rows": 600},
    "plain": {"path": "org/plain"},
    "mixed": {"path": "org/mixed"},
    "mixed stream": {"path": "org/mixed", "streaming": True, "max_rows": 9},
    "pinned": {**QA, "revision": COMMIT},
    "no split": {**QA, "split": "dev"},
    "which subset": {"path": "org/qa"},
    "no subset": {**QA, "subset": "nope"},
    "no revision": {**QA, "revision": "v9"},
    "gated": {"path": "org/gated"},
    "script": {"path": "org/script"},
    "empty": {"path": "org/empty"},
    "broken": {"path": "org/broken"},
    "broken stream": {"path": "org/broken", "streaming": True, "max_rows": 9},
    "none": {"path": "org/none"},
    "reader": {"path": "json"},
}
OFFLINE: dict[str, dict[str, Any]] = {
    "stored": QA,
    "stream": {**QA, "streaming": True, "max_rows": 3},
    "only subset": {"path": "org/qa"},
    "pinned": {**QA, "revision": COMMIT[:12]},
    "branch": {**QA, "revision": "main"},
    "no revision": {**QA, "revision": "b" * 40},
    "no subset": {**QA, "subset": "other"},
    "no split": {**QA, "split": "dev"},
    "not there": {"path": "org/never"},
}
Answers = dict[str, dict[str, Any]]


def visits(asked: dict[str, dict[str, Any]], home: Path, **variables: str) -> tuple[Answers, str]:
    """(answers by name, everything that was printed) of a process that opens these."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING", "XDG_"))}
    quiet = {"HF_HOME": str(home), "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.data.hub_visits"],
        input="".join(json.dumps(keys) + "\n" for keys in asked.values()),
        env={**kept, **quiet, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    *answers, last = map(json.loads, done.stdout.splitlines())
    assert last == {"loaded": []}, "datasets of the hub need neither torch nor transformers"
    return dict(zip(asked, answers, strict=True)), done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hf")


@pytest.fixture(scope="module")
def online(home: Path) -> Iterator[tuple[Answers, str, str]]:
    with serving(small_hub()) as url:
        answers, printed = visits(ONLINE, home, HF_ENDPOINT=url)
        yield answers, printed, url


@pytest.fixture(scope="module")
def offline(online: object, home: Path) -> Answers:
    return visits(OFFLINE, home, HF_HUB_OFFLINE="1")[0]


def test_a_dataset_is_stored_and_read_by_number(online: tuple[Answers, str, str]) -> None:
    found = online[0]["stored"]
    assert (found["kind"], found["rows"], found["splits"]) == ("HubTable", 600, ["train", "test"])
    assert found["origins"] == ["org/qa:main:train#1", "org/qa:main:train#2"]
    assert found["same"]
    assert found["raw"]
    assert found["commit"] == COMMIT
    assert found["paths"] == 1
    assert found["bytes"][0] == found["bytes"][1] > 0
    assert online[0]["test"]["rows"] == [{"question": f"q{i}", "answer": f"a{i}"} for i in range(5)]
    assert online[0]["pinned"]["fingerprint"] == found["fingerprint"] != online[0]["test"]["fingerprint"]


def test_a_stream_is_taken_as_far_as_asked(online: tuple[Answers, str, str]) -> None:
    found = online[0]["stream"]
    assert (found["kind"], found["rows"]) == (
        "StreamTable",
        [{"question": f"q{i}", "answer": f"a{i}"} for i in range(2)],
    )
    assert (found["complete"], found["problem"], found["paths"]) == (True, "", 0)
    longer = online[0]["long stream"]
    assert (longer["rows"], longer["same"], longer["raw"], longer["more"]) == (600, True, True, True)
    assert longer["bytes"][0] == longer["bytes"][1] > 0


def test_values_are_what_the_files_say(online: tuple[Answers, str, str]) -> None:
    assert online[0]["mixed"]["rows"] == online[0]["mixed stream"]["rows"] == MIXED
    assert len(online[0]["plain"]["rows"]) == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no split", "org/qa has no split 'dev'; it has train, test."),
        ("which subset", "org/qa has several subsets; say which with `subset`: main, other."),
        ("no subset", "org/qa has no subset 'nope'; it has main, other."),
        ("no revision", "org/qa has no revision 'v9'; see the branches and commits on URL/datasets/org/qa/tree/main."),
        ("gated", "org/gated is gated: accept its terms on URL/datasets/org/gated and log in; `hf auth login`"),
        ("script", "org/script is loaded by a Python script of its own, which is never run here."),
        ("empty", "org/empty holds no data files that can be read; see URL/datasets/org/empty/tree/main."),
        ("broken", "A file of org/broken cannot be read: "),
        ("none", "There is no dataset 'org/none' on the hub, or it is private;"),
        ("reader", "There is no dataset 'json' on the hub: that is the name of a reader."),
    ],
)
def test_every_failure_is_a_sentence(online: tuple[Answers, str, str], name: str, words: str) -> None:
    answers, _, url = online
    sentence = answers[name]["error"]
    assert sentence.replace(url, "URL").startswith(words)
    assert "\n" not in sentence


def test_a_stream_that_breaks_keeps_its_rows_and_says_why(online: tuple[Answers, str, str]) -> None:
    found = online[0]["broken stream"]
    assert found["complete"]
    assert found["problem"].startswith("A file of org/broken cannot be read: ")


def test_tokens_are_never_printed(online: tuple[Answers, str, str]) -> None:
    assert TOKEN not in online[1]


def test_the_cache_is_enough(offline: Answers, online: tuple[Answers, str, str]) -> None:
    for name in ("stored", "stream", "only subset", "pinned", "branch"):
        found = offline[name]
        assert (found["kind"], found["rows"], found["commit"]) == ("HubTable", 600, COMMIT), name
        assert found["note"] == "Offline mode is on (HF_HUB_OFFLINE): the rows come from the cache"
    assert offline["stored"]["fingerprint"] == online[0]["stored"]["fingerprint"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "not there",
            "Offline mode is on (HF_HUB_OFFLINE), and org/never is not in the cache. Load it once with a network",
        ),
        ("no revision", f"of org/qa the cache has {COMMIT[:12]}, not the revision '{'b' * 40}'"),
        ("no subset", "of org/qa only the subset main is in the cache: name it with `subset`"),
        ("no split", "org/qa has no split 'dev'; it has train, test."),
    ],
)
def test_what_the_cache_lacks_is_said(offline: Answers, name: str, words: str) -> None:
    assert words in offline[name]["error"]


def test_no_network_means_the_cache_or_a_sentence_and_no_waiting(online: object, home: Path) -> None:
    nobody = "http://127.0.0.1:9"
    answers, _ = visits({"stored": QA, "never": {"path": "org/never"}}, home, HF_ENDPOINT=nobody)
    assert answers["stored"]["rows"] == 600
    assert answers["stored"]["note"] == "The hub cannot be reached: the rows come from the cache"
    assert answers["never"]["error"].startswith(
        f"The hub ({nobody}) cannot be reached, and org/never is not in the cache."
    )


def test_a_hub_that_does_not_answer_is_left() -> None:
    forever = threading.Event()
    with pytest.raises(TimeoutError) as caught:
        _within(0.01, forever.wait)
    forever.set()
    assert is_unreachable(caught.value)
    assert "cannot be reached" in str(explain(caught.value, "a/b"))


def test_the_split_that_is_read() -> None:
    assert choose_split(None, ["test", "train"], "a/b") == "train"
    assert choose_split(None, ["dev"], "a/b") == "dev"
    assert choose_split("test", ["test", "train"], "a/b") == "test"
    with pytest.raises(DataError, match="a/b has no split train; say which of dev, test with `split`"):
        choose_split(None, ["dev", "test"], "a/b")


def errors() -> list[tuple[BaseException, str]]:
    """What the libraries raise, and what is to be said."""
    import httpx2
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub import errors as hub

    def answered(kind: type[hub.HfHubHTTPError], status: int) -> hub.HfHubHTTPError:
        request = httpx2.Request("GET", f"https://huggingface.co/x?token={TOKEN}")
        return kind(f"{status} Client Error {TOKEN}", response=httpx2.Response(status, request=request))

    return [
        (
            answered(hub.GatedRepoError, 403),
            "a/b is gated: accept its terms on https://huggingface.co/datasets/a/b and log in",
        ),
        (DatasetNotFoundError("Dataset 'a/b' is a gated dataset on the Hub."), "a/b is gated"),
        (answered(hub.RepositoryNotFoundError, 401), "There is no dataset 'a/b' on the hub, or it is private"),
        (DatasetNotFoundError("Dataset 'a/b' doesn't exist"), "There is no dataset 'a/b'"),
        (answered(hub.RevisionNotFoundError, 404), "a/b has no revision 'v1'"),
        (hub.OfflineModeIsEnabled("offline"), "Offline mode is on (HF_HUB_OFFLINE), and a/b is not in the cache"),
        (answered(hub.HfHubHTTPError, 401), "The hub refuses a/b: the token is wrong, expired or has no right"),
        (answered(hub.HfHubHTTPError, 429), "The hub asks to wait"),
        (answered(hub.HfHubHTTPError, 503), "The hub itself has trouble (status 503)"),
        (httpx2.ConnectError("Name or service not known"), "The hub (https://huggingface.co) cannot be reached"),
        (httpx2.ReadTimeout("timed out"), "The hub (https://huggingface.co) cannot be reached"),
        (ConnectionError("Couldn't reach 'a/b' on the Hub (LocalEntryNotFoundError)"), "cannot be reached"),
        (RuntimeError("Dataset scripts are no longer supported, but found b.py"), "is never run here"),
        (OSError(28, "No space left on device"), "The disk is too full to store a/b"),
        (hub.HFValidationError("Repo id must be…"), "'a/b' is no id of a dataset: it is written owner/name"),
        (KeyError(f"odd {TOKEN} https://cdn.hf.co/x?Signature=abc"), "a/b cannot be read: KeyError: "),
    ]


def test_errors_of_the_libraries_become_sentences_without_secrets() -> None:
    for error, words in errors():
        outer = RuntimeError("while loading")
        outer.__cause__ = error
        for raised in (error, outer):
            sentence = str(explain(raised, "a/b", "v1"))
            assert words in sentence, sentence
            assert "\n" not in sentence
            assert TOKEN[:12] not in sentence
            assert "Signature" not in sentence
    assert clean(f"x {TOKEN} y\nz") == "x hf_… y"
