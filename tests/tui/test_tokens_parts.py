"""The parts behind the Tokens screen: how tokens are written and laid out, places in fields, the last rows, small files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.facts import FieldText
from engine.service import protocol as p
from engine.token_facts import SegmentFact, TokenFact
from tui.text import cell_len
from tui.tokens import recent
from tui.tokens.fields import place_of
from tui.tokens.layout import VIEWS, laid, rules
from tui.tokens.model import Draft, Origin
from tui.tokens.pieces import apart_from_before, blanks, written
from tui.tokens.rows import MARGIN, MOST, WINDOW, Rows, window_start
from tui.tokens.rules import batching, following, next_batching
from tui.tokens.template_text import joined, parted_again
from tui.tokens.textlines import Stretch, char_at, column_of, line_of, painted, size_of, text_lines
from tui.widgets.rendered_text import marks_of, token_at

FAMILY = "👩\u200d🚀"
TEXTS = (
    "hello world, this is   a text\n\nwith lines\tand tabs",
    "解释为什么水对人类很重要，并说明原因。" * 3,
    "Съешь же ещё этих мягких французских булок, да выпей чаю " * 3,
    f"{FAMILY} 👍🏽 🇩🇪 ❤️ e\u0301 नमस्ते ",
    "\x1b[31m\x00\u202e\u200b [/] a[/x] <|im_start|>",
    "x" * 300 + " " * 40 + "\n" * 5,
    "",
)


def token(text: str, start: int, data: bytes | None = None, mark: str = "masked", end: int | None = None) -> TokenFact:
    """A token of a text."""
    raw = text.encode() if data is None else data
    return TokenFact(7, text, raw.hex(), start, start + len(text) if end is None else end, 0, mark, False, 0)  # type: ignore[arg-type]


def bytes_of(text: str, mark: str = "masked") -> list[TokenFact]:
    """A text as one token a byte, as far as its characters have several."""
    found = []
    for at, char in enumerate(text):
        found += [token("?", at, bytes([byte]), mark, at + 1) for byte in char.encode()]
    return found


def row_of(tokens: list[TokenFact], text: str, **more: object) -> p.Tokens:
    """A row that is all here."""
    said = {"row": 1, "sequences": [(0, len(tokens))], "reasons": ["why"], "total": len(tokens), **more}
    return p.Tokens(
        draft=1, origin="a.jsonl:1", source=0, split="train", template="qa", text=text, tokens=tokens, **said
    )  # type: ignore[arg-type]


def test_blanks_are_seen_and_nothing_acts() -> None:
    assert blanks("a b\n\tc") == "a·b⏎⇥c"
    assert blanks("a b\n\tc", ascii_only=True) == "a_b\\n\\tc"
    assert blanks("a\u00a0b\u3000\u202e\x1b") == "a⟨00A0⟩b⟨3000⟩⟨202E⟩␛"


def test_a_token_joins_nothing_before_it() -> None:
    assert apart_from_before("\u0301x") == "◌\u0301x"
    assert apart_from_before("\u200d🚀") == "⟨200D⟩🚀"
    assert apart_from_before("🏽") == "⟨1F3FD⟩"
    assert apart_from_before("🇩🇪") == "⟨1F1E9⟩⟨1F1EA⟩"
    assert apart_from_before("\ufe0f!") == "⟨FE0F⟩!"
    assert apart_from_before("abc") == "abc"


def test_bytes_of_one_character_are_a_group() -> None:
    shown = written([token("hi", 0), *bytes_of("hi🙂")[2:], token("!", 3)], "hi🙂!", 0)
    assert [(piece.lead, piece.text, piece.group) for piece in shown] == [
        ("", "hi", 0),
        ("🙂", "⟨f0⟩", 4),
        ("", "⟨9f⟩", 0),
        ("", "⟨99⟩", 0),
        ("", "⟨82⟩", 0),
        ("", "!", 0),
    ]


def test_a_character_that_two_tokens_share_is_told_once_and_whole_ones_beside_it_are_read() -> None:
    raw = "解释".encode()
    shared = [token("x", 0, raw[:4], end=2), token("y", 1, raw[4:], end=2)]
    shown = written(shared, "解释", 0)
    assert shown[0].lead == "解释"
    assert [piece.kind for piece in shown] == ["bytes", "bytes"]
    one = TokenFact(3, "<s>", "", 0, 0, -1, "masked", True, 0)
    assert written([one], "", 0)[0].kind == "special"
    assert written([token("lone", 0, b"\xe4")], "語", 0)[0].lead == "語"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [6, 20, 61])
@pytest.mark.parametrize("text", TEXTS)
def test_every_token_has_its_cell_and_no_line_is_too_wide(text: str, width: int, view: str) -> None:
    tokens = bytes_of(text) if len(text) < 60 else [token(char, at) for at, char in enumerate(text)]
    layout = laid(row_of(tokens, text), view, width, 64)  # type: ignore[arg-type]
    seen: set[int] = set()
    for line in layout.lines:
        for before, after in zip(line.cells, line.cells[1:], strict=False):
            assert before.x + before.width <= after.x
        for cell in line.cells:
            seen.add(cell.token)
            if view != "table":
                assert cell.x + cell.width <= width
    assert seen == set(range(len(tokens)))
    for index in range(len(tokens)):
        cells = layout.lines[layout.row_of(index)].cells
        assert index in {cell.token for cell in cells}


def test_lines_end_where_the_text_has_them_and_before_words() -> None:
    text = "ab cd\nef"
    tokens = [token("a", 0), token("b", 1), token(" c", 2), token("d", 4), token("\n", 5), token("ef", 6)]
    layout = laid(row_of(tokens, text), "splits", 5, 64)
    assert ["".join(cell.text for cell in line.cells) for line in layout.lines] == ["ab·cd", "⏎", "ef"]
    layout = laid(row_of(tokens, text), "splits", 4, 64)
    assert ["".join(cell.text for cell in line.cells) for line in layout.lines] == ["ab", "·cd⏎", "ef"]
    assert layout.beside(0, 1, 1) == 2
    assert layout.beside(5, 1, 0) == 5


def test_ids_stand_below_their_pieces_with_labels() -> None:
    tokens = [token("abc", 0, mark="trained"), token("d", 3), token("e", 4, mark="cut")]
    layout = laid(row_of(tokens, "abcde", sequences=[(0, 2)], cut=1), "ids", 40, 2)
    pieces, ids, labels = layout.lines[:3]
    assert [cell.text for cell in pieces.cells] == ["abc", "d"]
    assert [cell.x for cell in pieces.cells] == [cell.x for cell in ids.cells] == [cell.x for cell in labels.cells]
    assert [cell.text for cell in labels.cells] == ["7", "-100"]
    assert layout.lines[3].rule == "cut here: max_length 2"
    assert [cell.text for cell in layout.lines[6].cells] == ["cut"]


@pytest.mark.parametrize(
    ("sequences", "cut", "found"),
    [
        ([(0, 10)], 0, {}),
        ([(0, 6)], 4, {6: "cut here: max_length 6"}),
        ([(4, 10)], 4, {4: "cut until here: max_length 6"}),
        ([(0, 6), (6, 10)], 0, {6: "sequence 2 of 2: max_length 6"}),
        ([], 10, {0: "left out: longer than max_length 6"}),
    ],
)
def test_where_the_rules_stand(sequences: list[tuple[int, int]], cut: int, found: dict[int, str]) -> None:
    tokens = [token("a", at) for at in range(10)]
    assert rules(row_of(tokens, "a" * 10, sequences=sequences, cut=cut), 6) == found


@pytest.mark.parametrize("width", [3, 10, 40])
@pytest.mark.parametrize("text", TEXTS)
def test_lines_of_text_hold_every_character_once(text: str, width: int) -> None:
    lines = text_lines(text, width)
    assert "".join(text[a:b] + ("" if text[b : b + 1] != "\n" else "\n") for a, b in lines) == text
    for index, line in enumerate(lines):
        if line.end > line.start:
            assert line_of(lines, line.start) == index
            middle = (line.start + line.end) // 2
            if size_of(text[middle]):
                assert char_at(text, line, column_of(text, line, middle)) == middle
        row = painted(text, line, [Stretch(2, 5, "here")])
        assert all("\x1b" not in piece and "\u202e" not in piece for piece, _ in row)
        if len(text[line.start : line.end]) > 1 and "\u200d" not in text:
            assert sum(cell_len(piece) for piece, _ in painted(text, line, [])) <= width


def test_a_token_is_found_in_its_field() -> None:
    fields = [FieldText("question", "text", "Who is it?"), FieldText("answer", "text", " The keeper ")]
    text = "Q: Who is it?\nA: The keeper"
    segments = [
        SegmentFact(0, 3, "template", "", False),
        SegmentFact(3, 13, "user", "question", False),
        SegmentFact(13, 17, "template", "", False),
        SegmentFact(17, 27, "assistant", "answer", True),
    ]
    is_it = TokenFact(1, "is", "6973", 7, 9, 1, "masked", False, 0)
    row = row_of([is_it], text, fields=fields, segments=segments)
    assert place_of(row, is_it) == (0, 4, 6, True)
    keeper = TokenFact(1, "keeper", "", 21, 27, 3, "trained", False, 0)
    assert place_of(row, keeper) == (1, 5, 11, True)
    assert place_of(row, TokenFact(1, "Q", "51", 0, 1, 0, "masked", False, 0)) is None
    assert marks_of(row_of([is_it, keeper], text)) == [Stretch(21, 27, "train")]


def test_a_turn_is_found_in_the_list_it_came_from() -> None:
    turns = [{"role": "user", "content": "yes"}, {"role": "assistant", "content": 'say "yes"'}]
    fields = [FieldText("messages", "list", json.dumps(turns, indent=2))]
    segments = [SegmentFact(0, 9, "assistant", "messages[1]", True)]
    row = row_of([], 'say "yes"', fields=fields, segments=segments)
    place = place_of(row, TokenFact(1, "say", "", 0, 3, 0, "trained", False, 0))
    assert place is not None
    assert not place.exact, "the quotes are escaped there"
    assert fields[0].text[place.start :].startswith('say \\"yes')
    plain_turn = row_of([], "yes", fields=fields, segments=[SegmentFact(0, 3, "user", "messages[0]", False)])
    place = place_of(plain_turn, TokenFact(1, "yes", "", 0, 3, 0, "masked", False, 0))
    assert place is not None
    assert place.exact
    assert fields[0].text[place.start : place.end] == "yes"
    assert place.start < fields[0].text.index("say")


def test_the_token_at_a_character() -> None:
    tokens = [
        TokenFact(1, "<s>", "", 0, 0, -1, "masked", True, 0),
        token("ab", 0),
        *bytes_of("ab🙂")[2:],
        token("c", 3),
    ]
    row = row_of(tokens, "ab🙂c")
    assert [token_at(row, char) for char in range(4)] == [1, 1, 2, 6]


def test_rows_are_kept_in_windows_and_never_too_many() -> None:
    rows = Rows()

    def take(number: int, start: int, total: int) -> None:
        tokens = [token("a", at) for at in range(start, min(total, start + WINDOW))]
        rows.take(start, row_of(tokens, "", row=number, start=start, total=total))

    long = 10 * WINDOW
    take(1, 0, long)
    assert rows.missing(1, 0) is None
    near = WINDOW - MARGIN
    wanted = rows.missing(1, near)
    assert wanted == window_start(near)
    take(1, wanted or 0, long)
    assert rows.missing(1, near) is None
    held = rows.held(1, near)
    assert held is not None
    assert held.start == wanted, "the window in which it lies deepest"
    assert rows.missing(1, long - 1) == window_start(long - 1)
    assert rows.held(1, long - 1) is None
    for number in range(2, 3 * MOST):
        take(number, 0, 5)
    assert len(rows) == MOST
    assert rows.held(3 * MOST - 1, 99) is not None, "a row that a change made shorter"
    rows.clear()
    assert rows.missing(5, 0) == 0


def test_rules_are_turned_in_the_order_of_their_declaration() -> None:
    draft = Draft(1, Origin("a.toml"))
    draft.changes = {"tokens.truncation": "error", "tokens.train_on_eos": True, "tokens.packing": "bfd"}
    assert following(draft, "truncation") == {"tokens.truncation": "right"}
    assert following(draft, "train_on_eos") == {"tokens.train_on_eos": False}
    assert batching(draft) == "packed"
    assert next_batching(draft) == {"tokens.packing": "none", "tokens.group_by_length": False}


def test_a_template_comes_back_from_the_editor_as_it_went() -> None:
    for prompt, completion in (("Q: {q}\n\n", "{a}"), ("", "x\n"), ("{a}\n---", "")):
        found = p.TemplateFound(draft=1, source=0, name="custom", kind="custom", prompt=prompt, completion=completion)
        assert parted_again(joined(found)) == (prompt, completion)
        assert parted_again(joined(found).replace("\n", "\r\n")) == (prompt, completion)
    assert parted_again("something else") is None


def test_recent_run_files(tmp_path: Path) -> None:
    assert recent.load() == []
    files = [tmp_path / f"{i}.toml" for i in range(15)]
    for file in files:
        file.write_text("")
        recent.remember(str(file))
    recent.remember(str(files[10]))
    files[9].unlink()
    found = recent.load()
    assert found[0] == str(files[10])
    assert len(found) == len(set(found)) <= recent.MOST
    assert str(files[9]) not in found
    recent.recent_path().write_text("{")
    assert recent.load() == []
