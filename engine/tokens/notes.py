"""What a person should read about the data of a run before its tokens: what was left out and why, what was added."""

from __future__ import annotations

from engine.tokens.new_tokens import NewTokens
from engine.tokens.path import TemplatedSource
from engine.tokens.prepare import Laid

_LINES_SHOWN, _TOKENS_SHOWN = 5, 8
NO_WEIGHTS = "There are no weights in this folder: it can be looked at, not trained."


def notes_of(laid: Laid, has_weights: bool = True) -> list[str]:
    """A sentence for each thing that is not as the files have it."""
    notes = [] if has_weights else [NO_WEIGHTS]
    path = laid.path
    if path.vocabulary is not None and len(path.tokenizer) > path.vocabulary:
        known_to = f"{len(path.tokenizer):,} tokens and the model {path.vocabulary:,} (vocab_size in its config.json)"
        notes.append(f"The tokenizer knows {known_to}: a run refuses rows with one of the others.")
    known = path.tokenizer.backend_tokenizer.token_to_id
    for item in laid.sources:
        name = item.source.path.name
        notes += source_notes(item)
        spelled = [marker for marker in item.template.markers if known(marker) is None]
        if spelled:
            notes.append(f"{name}: this tokenizer has no {' or '.join(spelled)}, so they are spelled out")
        if item.source.unread:
            notes.append(f"{name}: columns that are not used: {', '.join(item.source.unread)}")
    return notes + new_token_notes(path.new_tokens)


def source_notes(item: TemplatedSource) -> list[str]:
    """What was not taken of a source, and where its held-out rows come from."""
    bad, notes = item.source.bad, []
    if bad:
        where = ", ".join(line.origin for line in bad[:_LINES_SHOWN])
        more = ", …" if len(bad) > _LINES_SHOWN else ""
        notes.append(f"{item.source.path.name}: {_counted(len(bad), 'line')} skipped ({where}{more})")
    return notes + left_out_notes(item)


def left_out_notes(item: TemplatedSource) -> list[str]:
    """Rows that could be read and were not taken, by reason, and where the held-out rows come from."""
    source, name = item.source, item.source.path.name
    notes = [f"{name}: {_counted(count, 'row')} left out: {why}" for why, count in source.skipped.items()]
    notes += [
        f"{name}: {_counted(count, 'row')} left out by the run file ({why})" for why, count in source.excluded.items()
    ]
    notes += [f"{name}: {count:,} {what} were passed over" for what, count in source.passed_over.items()]
    if source.held_out is not None:
        notes.append(f"{name}: {len(source.held_out):,} held-out rows from {source.held_out_from}")
    return notes


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def new_token_notes(new: NewTokens | None) -> list[str]:
    """Which tokens were added, and the end-of-sequence token that was set."""
    if new is None:
        return []
    notes = []
    if new.tokens:
        pairs = list(zip(new.tokens, new.ids, strict=True))
        named = ", ".join(f"{text} ({number})" for text, number in pairs[:_TOKENS_SHOWN])
        rest = f" and {len(pairs) - _TOKENS_SHOWN:,} more" if len(pairs) > _TOKENS_SHOWN else ""
        notes.append(f"added to the vocabulary: {named}{rest}; each starts as the mean of the pieces that spelled it")
    if new.eos is not None:
        notes.append(f"the end-of-sequence token is {new.eos} from now on, because this template ends answers with it")
    return notes
