"""How `luthier inspect --row` shows a row: its tokens one by one, what is trained, what is cut, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.text import Text

from engine.cli import console
from engine.text import one_line, visible
from engine.token_facts import ParityFact, TokenFact
from engine.tokens.encoded import Encoded
from engine.tokens.findings import RULES
from engine.tokens.path import RowPath
from engine.tokens.row_facts import RowFacts

_STYLE = {"trained": "green", "masked": "dim", "cut": "red"}
_FIELD = 200
_BETWEEN = "│"


def as_json(
    facts: RowFacts, whole: Encoded, sequences: Sequence[Encoded], comparisons: Sequence[ParityFact], path: RowPath
) -> dict[str, Any]:
    """A row as plain JSON values: the segments of its text, its tokens, and its sequences as they are trained."""
    return {
        "row": facts.row,
        "origin": facts.origin,
        "split": facts.split,
        "template": facts.template,
        "max_length": path.max_length,
        "state": facts.state,
        "problem": facts.problem,
        "text": whole.rendered.text,
        "segments": [
            {"text": s.text, "role": s.role, "supervised": s.supervised, "source": s.source}
            for s in whole.rendered.segments
        ],
        "tokens": [_token(token, facts.reasons) for token in facts.tokens],
        "supervised_tokens": facts.supervised,
        "cut": facts.cut,
        "findings": facts.findings,
        "sequences": [_sequence(sequence, path.tokenizer) for sequence in sequences],
        "parity": msgspec.to_builtins(comparisons),
    }


def _token(token: TokenFact, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "id": token.id,
        "piece": token.piece,
        "bytes": token.data,
        "start": token.start,
        "end": token.end,
        "segment": token.segment,
        "mark": token.mark,
        "special": token.special,
        "reason": reasons[token.reason],
    }


def _sequence(sequence: Encoded, tokenizer: Any) -> dict[str, Any]:
    return {
        "ids": sequence.ids.tolist(),
        "labels": sequence.labels.tolist(),
        "pieces": tokenizer.convert_ids_to_tokens(sequence.ids.tolist()),
        "spans": sequence.spans.tolist(),
        "segments": sequence.segments.tolist(),
        "supervised_tokens": sequence.supervised_tokens,
        "cut": sequence.cut,
        "findings": list(sequence.findings),
    }


def show(facts: RowFacts, comparisons: Sequence[ParityFact]) -> None:
    """A row for people. What is learned stands in ⟦ ⟧, and in green where there is colour."""
    place = "held out" if facts.split == "test" else "training"
    counts = f"{facts.total:,} tokens, {facts.supervised:,} supervised, {facts.cut:,} cut"
    head = f"row {facts.row:,}  {facts.origin}  {place}  template {facts.template}"
    console.show(Text(f"{visible(head)}  {counts}", style="bold"))
    if facts.problem:
        console.show(console.safe(facts.problem, "red"))
    for field in facts.fields:
        console.show(Text.assemble((f"{one_line(field.name, 32)}: ", "dim"), one_line(field.text, _FIELD)))
    console.show(_tokens(facts))
    why = Counter(token.reason for token in facts.tokens)
    for reason, count in why.most_common():
        console.show(Text(f"{count:>7,}  {visible(facts.reasons[reason])}", style="dim"))
    for rule in facts.findings:
        words = RULES[rule]
        console.show(Text(f"finding: {words.text}", style="red" if words.severity == "error" else "yellow"))
    for fact in comparisons:
        console.show(
            Text(
                f"{'=' if fact.equal else '≠'} {fact.against}: {visible(fact.sentence)}",
                style="" if fact.equal else "yellow",
            )
        )


def _tokens(facts: RowFacts) -> Text:
    out, starts = Text(), {start for start, _ in facts.sequences[1:]}
    mark, shown = "", facts.text_start
    for number, token in enumerate(facts.tokens):
        if number in starts or (token.mark == "cut") != (mark == "cut"):
            out.append("⟧" if mark == "trained" else "", style="green")
            out.append(_line(facts, number, token, starts), style="bold")
            mark = token.mark if token.mark != "trained" else ""
        if (token.mark == "trained") != (mark == "trained"):
            out.append("⟦" if token.mark == "trained" else "⟧", style="green")
        elif number and not out.plain.endswith("\n"):
            out.append(_BETWEEN, style="dim")
        mark = token.mark
        text, shown = _shown(facts, token, shown)
        out.append(text, style=f"{_STYLE[token.mark]}{' reverse' if token.special else ''}")
    return out.append("⟧" if mark == "trained" else "", style="green")


def _line(facts: RowFacts, number: int, token: TokenFact, starts: set[int]) -> str:
    """What stands where a sequence begins, or where tokens are cut from there on."""
    if token.mark == "cut":
        said = facts.reasons[token.reason]
    elif number in starts:
        said = f"sequence {1 + sorted(starts).index(number) + 1}"
    else:
        said = "kept from here on"
    return ("" if not number else "\n") + f"──── {said} ────\n"


def _shown(facts: RowFacts, token: TokenFact, shown: int) -> tuple[str, int]:
    """(a token as it is shown, the character up to which the text is shown): tokens of one character share its place."""
    if token.end <= token.start:
        return f"⟨{visible(token.piece)}⟩", shown
    try:
        bytes.fromhex(token.data).decode()
    except UnicodeDecodeError:
        return f"⟨{token.data.upper()}⟩", max(shown, token.end)
    start = max(token.start, shown)
    text = visible(facts.text[start - facts.text_start : token.end - facts.text_start])
    bare = text.lstrip(" ")
    return "·" * (len(text) - len(bare)) + bare.replace("\t", "⇥").replace("\n", "⏎\n"), token.end
