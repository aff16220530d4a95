"""One table of keys, and everything that is made from it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tui.app import LuthierApp
from tui.commands import VERBS, Command, commands_for, ranked
from tui.keys import FOOTER_KEYS, KEYS, PLACES, Where, bindings, footer_keys, keys_of, matching
from tui.screens.compare import Compare
from tui.screens.configure import Configure
from tui.screens.data import Data
from tui.screens.demo import Demo
from tui.screens.dialogs.confirm import Confirm
from tui.screens.dialogs.find import FindLine
from tui.screens.dialogs.new_run import NewRun
from tui.screens.help import Help
from tui.screens.home import Home
from tui.screens.log import LogScreen
from tui.screens.monitor import Monitor
from tui.screens.tokens import Tokens
from tui.widgets.choice_list import ChoiceList
from tui.widgets.scroller import Scroller
from tui.widgets.search_line import SearchLine

OWNERS: dict[Where, tuple[type, ...]] = {
    "app": (LuthierApp,),
    "home": (Home,),
    "data": (Data,),
    "find": (SearchLine,),
    "tokens": (Tokens,),
    "configure": (Configure,),
    "monitor": (Monitor,),
    "compare": (Compare,),
    "demo": (Demo,),
    "list": (Scroller,),
    "search": (Scroller, FindLine),
    "log": (LogScreen,),
    "help": (Help,),
    "dialog": (Confirm, NewRun),
    "form": (ChoiceList,),
}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.where}.{key.id}")
def test_every_key_does_something(key: object) -> None:
    if key.id == "complete":  # type: ignore[attr-defined] # the field itself takes it
        return
    assert any(hasattr(owner, f"action_{key.id}") for owner in OWNERS[key.where])  # type: ignore[attr-defined]


@pytest.mark.parametrize("where", list(PLACES))
def test_no_key_means_two_things_at_one_place(where: Where) -> None:
    # A screen's key is tried before the app's; only stop and resume share a place, never a moment.
    names = Counter(name for key in keys_of(where) for name in key.keys.split(","))
    assert [name for name, count in names.items() if count > 1] == []
    if where not in ("app", "dialog"):
        app = {name for key in keys_of("app", "list") for name in key.keys.split(",")}
        assert not app & set(names) or where == "list"


def test_only_keys_that_a_terminal_sends() -> None:
    for key in KEYS:
        for name in key.keys.split(","):
            assert name not in ("ctrl+h", "ctrl+i", "ctrl+j", "ctrl+m", "ctrl+a", "ctrl+b", "ctrl+c")
            assert not re.fullmatch(r"ctrl\+shift\+.*|ctrl\+enter", name)
        if re.fullmatch(r"f\d+", key.keys):
            pytest.fail(f"{key.id} has a function key only")


@pytest.mark.parametrize("where", ["home", "data", "tokens", "monitor", "demo", "log", "help"])
def test_labels_fit_a_footer(where: Where) -> None:
    assert all(len(key.label) <= 14 for key in footer_keys(where))
    assert FOOTER_KEYS == 7


def test_bindings_have_ids() -> None:
    made = bindings("home")
    assert [b.id for b in made] == [f"home.{key.id}" for key in keys_of("home")]  # type: ignore[union-attr]


def test_search_finds_by_any_word() -> None:
    assert "checkpoint" in [key.id for key in matching(list(KEYS), "CHECKPOINT monitor")]
    assert matching(list(KEYS), "no such thing at all") == []


def test_commands_come_from_the_table() -> None:
    themes = {"nord": True, "spruce": False, "varnish": True}
    commands = commands_for("monitor", themes, ["checkpoint", "help"])
    assert [c.action for c in commands if c.action and not c.verb] == ["checkpoint"]
    assert [c.name for c in commands if c.verb] == ["help", *(verb.name for verb in VERBS if verb.name != "help")]
    assert [c.theme for c in commands if c.theme] == ["varnish", "spruce", "nord"]


def test_names_rank_before_texts() -> None:
    commands = [Command("a", "open it"), Command("reopen", ""), Command("open", "")]
    assert [c.name for c in ranked(commands, "open")] == ["open", "reopen", "a"]
    assert ranked(commands, ":") == commands
