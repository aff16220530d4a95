"""The keys of the Tokens screen that turn a rule of the run file, or a batch."""

from __future__ import annotations

from textual import on

from tui import lengths, words
from tui.screens.tokens_news import TokensNews
from tui.tokens.model import Changes
from tui.tokens.rules import following, next_batching
from tui.widgets.length_chart import LengthChart


class TokensRules(TokensNews):
    """The screen with the keys that change the draft."""

    def still_reading(self, missing: bool) -> bool:
        """Whether what a key needs is missing because the rows are on their way; that is said."""
        draft = self.draft
        reading = draft is not None and draft.state != "failed" and (draft.facts is None or draft.measuring is not None)
        if missing and reading:
            self.luthier.tell("The rows are still being read.")
        return missing and reading

    # Rules

    def change(self, changes: Changes) -> None:
        """Lay something over the draft."""
        if (draft := self.draft) is not None and changes:
            self.luthier.drafts.change(draft, changes)

    def _turn(self, key: str) -> None:
        if (draft := self.draft) is not None:
            self.change(following(draft, key))

    def action_truncation(self) -> None:
        """What happens to rows that are too long."""
        self._turn("truncation")

    def action_supervise(self) -> None:
        """What is learned."""
        self._turn("supervise")

    def action_padding_side(self) -> None:
        """Right or left."""
        self._turn("padding_side")

    def action_train_on_eos(self) -> None:
        """Whether the end is learned."""
        self._turn("train_on_eos")

    def action_batching(self) -> None:
        """The next way of batching."""
        if (draft := self.draft) is not None:
            self.change(next_batching(draft))

    def _limit(self, limit: int) -> None:
        draft = self.draft
        if draft is not None and limit != draft.max_length:
            self.change({"tokens.max_length": limit})

    def _limit_by_key(self, limit: int) -> None:
        """Where a key cannot move the limit any further, why."""
        draft = self.draft
        if draft is None or limit != draft.max_length:
            self._limit(limit)
        elif limit <= lengths.LEAST_LIMIT:
            self.luthier.tell(f"{words.count(limit)} is the least.", "max_length")
        elif self._longest():
            self.luthier.tell(self.why_no_longer(), "max_length")

    def why_no_longer(self) -> str:
        """Why a limit goes no higher; "" where nothing says so."""
        longest = self._longest()
        return f"{words.count(longest)} is all that this model holds." if longest else ""

    def _longest(self) -> int | None:
        draft = self.draft
        return draft.facts.context if draft is not None and draft.facts is not None else None

    def _step_limit(self, by: int) -> None:
        if (draft := self.draft) is not None:
            self._limit_by_key(lengths.stepped(draft.max_length, by, self._longest()))

    def _scale_limit(self, double: bool) -> None:
        if (draft := self.draft) is not None:
            self._limit_by_key(lengths.scaled(draft.max_length, double, self._longest()))

    def action_limit_up(self) -> None:
        """A larger limit."""
        self._step_limit(1)

    def action_limit_down(self) -> None:
        """A smaller limit."""
        self._step_limit(-1)

    def action_limit_double(self) -> None:
        """Twice the limit."""
        self._scale_limit(True)

    def action_limit_half(self) -> None:
        """Half the limit."""
        self._scale_limit(False)

    @on(LengthChart.Limit)
    def _limit_moved(self, event: LengthChart.Limit) -> None:
        self._limit(event.limit)

    def action_undo(self) -> None:
        """Take the last change back."""
        draft = self.draft
        if draft is not None and not self.luthier.drafts.undo(draft):
            self.luthier.tell("Nothing to undo" + (": the last changes are written." if draft.written else "."))

    def action_undo_all(self) -> None:
        """Take all changes back."""
        if (draft := self.draft) is not None:
            self.luthier.drafts.undo_all(draft)

    # Batches

    def action_next_batch(self) -> None:
        """The batch of the next step."""
        self.show_batch(1)

    def action_previous_batch(self) -> None:
        """The batch of the step before."""
        self.show_batch(-1)

    def show_batch(self, by: int = 0, step: int = 0) -> None:
        """Another batch."""
        draft = self.draft
        if draft is None or self.still_reading(draft.batch.found is None):
            return
        found = draft.batch.found
        most = found.steps if found is not None else step
        wanted = min(max(1, step or draft.batch.step + by), max(1, most))
        if found is None or wanted != found.step:
            self.luthier.drafts.read_batch(draft, wanted)
