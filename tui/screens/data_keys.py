"""The keys of the Data screen that act at once: they change what is looked at, mark, exclude, weigh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import on, work

from tui.data.choices import excludable
from tui.data.model import Section, Source
from tui.screens.data_panes import PANES, DataPanes, Pane, Side
from tui.screens.dialogs.mixture import MixtureDialog
from tui.screens.dialogs.open_data import OpenData
from tui.widgets.findings_list import FindingsList
from tui.widgets.place_list import PlaceList
from tui.widgets.row_detail import RowDetail
from tui.widgets.scroller import Picker
from tui.widgets.search_line import SearchLine


class DataKeys(DataPanes):
    """The screen with the keys that need no answer."""

    # What can be done now, and what the footer says

    def hints(self) -> Sequence[str]:
        """The keys that matter in the present pane."""
        if not self.luthier.desk.sources:
            return ("choose", "open_data")
        if self.typing:
            return ("choose", "back", "toggle_regex", "next_column")
        if self.pane == "side" and self.side == "findings":
            return ("choose", "exclude", "export", "examine_all", "statistics")
        if self.pane == "side" and self.side == "stats":
            return ("examine_all", "findings", "tokenizer", "search", "use")
        if self.pane == "side":
            row = self.source.row if self.source else None
            return (*(("view_as",) if row and row.conversations else ()), "tokens", "copy", "pager", "exclude", "use")
        if self.pane == "sources":
            return ("choose", "open_data", "mapping", "weight_up", "mixture", "use")
        if self.source is not None and self.source.marks:
            return ("exclude", "copy", "export", "marked_only", "clear_marks", "use")
        return ("choose", "search", "findings", "tokens", "use", "statistics", "open_data", "mapping")

    @property
    def typing(self) -> bool:
        """While something is looked for."""
        return self.focused is not None and self.focused.id == "sought"

    def labels(self) -> Mapping[str, str]:
        """What the keys are called now."""
        found = {"choose": "row" if self.pane == "rows" else "its rows"}
        if not self.luthier.desk.sources:
            found["choose"] = "open"
        if self.typing:
            return {"choose": "rows", "back": "all rows"}
        if self._excluded_already():
            found["exclude"] = "take back"
        source = self.source
        if source is not None and source.marks and not (self.pane == "side" and self.side == "findings"):
            count = f"{len(source.marks):,} marked"  # not the row under the cursor, then
            found |= {"exclude": f"{found.get('exclude', 'exclude')} {count}", "copy": f"copy {count}"}
        if source is not None and source.examining is not None:
            found["examine_all"] = "stop"
        if self.pane == "side" and self.side == "row":
            found["view_as"] = "as fields" if self.query_one(RowDetail).turns_shown else "as turns"
        return found

    def _excluded_already(self) -> bool:
        source = self.source
        if source is None:
            return False
        if self.pane == "side" and self.side == "findings":
            finding = self.query_one(FindingsList).current
            return finding is not None and finding.rule in source.excluded_findings
        chosen = set(self._chosen_rows())
        return bool(chosen) and chosen <= source.excluded_rows

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        if not self.is_mounted or not self.composed:
            return True
        source = self.source
        match action:
            case "search" | "findings" | "statistics" | "go_to_row" | "kept_only" | "sort" | "export" | "mapping":
                return source is not None and source.state == "open"
            case "examine_all":
                exact = source is not None and source.examined is not None and source.examined.exact
                return source is not None and source.state == "open" and not exact
            case "tokens" | "use" | "mark" | "pager" | "copy" | "exclude" | "view_as":
                return source is not None and source.state == "open"
            case "marked_only" | "clear_marks":
                return source is not None and bool(source.marks)
            case "reload" | "close_source" | "weight" | "weight_up" | "weight_down" | "mixture":
                return source is not None
            case "previous_source" | "next_source":
                return len(self.luthier.desk.sources) > 1
        return True

    def _chosen_rows(self) -> list[int]:
        """The marked rows, or the one under the cursor."""
        source = self.source
        if source is None:
            return []
        brief = self.rows.current
        return sorted(source.marks) if source.marks else [brief.number] if brief else []

    # Opening, moving between panes

    @work(group="ask")
    async def action_open_data(self, folder: str = "") -> None:
        """Ask what to open; `folder`: look into it first."""
        sections: list[Section] | None = await self.app.push_screen_wait(OpenData(folder))
        if sections:
            self._open(sections)

    @on(Picker.Chosen)
    def _chosen(self) -> None:
        self.action_choose()

    def _open(self, sections: list[Section]) -> None:
        self.luthier.desk.open(sections)
        self.pane, self.side = "rows", "row"
        self.news_of_data({"sources"})
        self.lay_out(focus=True)

    def action_next_source(self) -> None:
        """The source after this one."""
        self.choose_source(self.luthier.desk.current + 1)

    def action_previous_source(self) -> None:
        """The source before this one."""
        self.choose_source(self.luthier.desk.current - 1)

    def action_reload(self) -> None:
        """Open the source anew."""
        if source := self.source:
            self.luthier.desk.reload(source)

    def action_next_pane(self, by: int = 1) -> None:
        """To the next pane."""
        if self.luthier.desk.sources:
            self.pane = PANES[(PANES.index(self.pane) + by) % len(PANES)]
            self.lay_out(focus=True)
            self.call_after_refresh(self._catch_up)

    def action_previous_pane(self) -> None:
        """To the pane before."""
        self.action_next_pane(-1)

    def _go(self, pane: Pane, side: Side | None = None) -> None:
        self.pane, self.side = pane, side or self.side
        self.lay_out(focus=True)
        self.news_of_data({"rows", "row", "exam"})
        self.call_after_refresh(self._catch_up)

    def action_choose(self) -> None:
        """What enter does in the present pane."""
        source = self.source
        if source is None:
            place = self.query_one("#welcome", PlaceList).current
            if place is not None and place.section:
                self._open([dict(place.section)])
            else:
                self.action_open_data(place.folder if place is not None else "")
        elif self.pane == "rows":
            self._go("side", "row")
        elif self.pane == "side" and self.side == "findings":
            finding = self.query_one(FindingsList).current
            if finding is not None:
                source.wanted.finding = finding.rule
                source.wanted.put("finding", True)
                self.luthier.desk.look(source)
                self._go("rows")
        else:
            self._go("rows")

    def action_back(self) -> None:
        """Out of the search, out of the pane, off with a layer, out of the screen: one at a time."""
        source, search = self.source, self.query_one(SearchLine)
        if search.has_class("-open"):
            search.close()
            if source is not None and source.wanted.pattern:
                self._seek(source, "", False, "", stay=True)
            self._go("rows")
        elif source is not None and self.pane != "rows":
            self._go("rows", "row")
        elif source is not None and source.wanted.take_off() is not None:
            self.luthier.desk.look(source, stay=True)
            self.news_of_data({"rows"})
        elif source is not None and source.wanted.sort and not source.view.complete:
            source.wanted.sort, source.wanted.descending = "", False  # it takes too long
            self.luthier.desk.look(source)
        elif source is not None and self.side != "row":
            self._go("rows", "row")
        else:
            self.app.pop_screen()

    # Which rows

    def action_search(self) -> None:
        """Type what to look for."""
        if source := self.source:
            if not self.wide:
                self.pane = "rows"
                self.lay_out()
            self.query_one(SearchLine).open(source)

    @on(SearchLine.Sought)
    def _sought(self, event: SearchLine.Sought) -> None:
        if source := self.source:
            self._seek(source, event.pattern, event.regex, event.column)

    def _seek(self, source: Source, pattern: str, regex: bool, column: str, stay: bool = False) -> None:
        wanted = source.wanted
        if (wanted.pattern, wanted.regex, wanted.column) == (pattern, regex, column):
            return
        nothing_changes = not pattern and not wanted.pattern
        wanted.pattern, wanted.regex, wanted.column = pattern, regex, column
        wanted.put("search", bool(pattern))
        if not nothing_changes:
            self.luthier.desk.look(source, stay)

    @on(SearchLine.Left)
    def _searched(self) -> None:
        self.query_one(SearchLine).close()
        self._go("rows")

    def action_marked_only(self) -> None:
        """The marked rows only, or all again."""
        if source := self.source:
            source.wanted.marked = not source.wanted.marked
            source.wanted.put("marked", source.wanted.marked)
            self.luthier.desk.look(source)

    def action_kept_only(self) -> None:
        """Without the rows that a run leaves out, or all again."""
        if source := self.source:
            source.wanted.kept = not source.wanted.kept
            source.wanted.put("kept", source.wanted.kept)
            self.luthier.desk.look(source)

    def action_sort(self) -> None:
        """By the column; downwards; not at all."""
        source, column = self.source, self.rows.column
        if source is None or not column:
            return
        wanted = source.wanted
        if wanted.sort != column:
            wanted.sort, wanted.descending = column, False
        elif not wanted.descending:
            wanted.descending = True
        else:
            wanted.sort, wanted.descending = "", False
        self.luthier.desk.look(source)

    def action_column_left(self) -> None:
        """The column on the left."""
        self._move_column(-1)

    def action_column_right(self) -> None:
        """The column on the right."""
        self._move_column(1)

    def _move_column(self, by: int) -> None:
        self.rows.move_column(by)
        if self.side == "stats":
            self.news_of_data({"exam"})

    # Marks and exclusions

    def action_mark(self) -> None:
        """Mark the row and go on, so that several are marked by holding the key."""
        source, brief = self.source, self.rows.current
        if source is None or brief is None:
            return
        source.marks ^= {brief.number}
        self.rows.step(1)
        self.rows.repaint()
        self.refresh_bars()

    def action_clear_marks(self) -> None:
        """No row is marked any more."""
        source = self.source
        if source is None:
            return
        source.marks.clear()
        if source.wanted.marked:
            self.action_marked_only()
        self.news_of_data({"rows"})

    def action_exclude(self) -> None:
        """Leave out, or take back."""
        source = self.source
        if source is None:
            return
        if self.pane == "side" and self.side == "findings":
            self._exclude_finding(source)
        elif rows := self._chosen_rows():
            self.luthier.desk.exclude(source, rows=set(rows))
            self.news_of_data({"rows", "row"})

    def _exclude_finding(self, source: Source) -> None:
        finding = self.query_one(FindingsList).current
        if finding is None:
            return
        if finding.rule not in excludable():
            self.luthier.tell("A run leaves these rows out by itself, or refuses them; there is nothing to exclude.")
            return
        self.luthier.desk.exclude(source, finding=finding.rule)
        self.news_of_data({"exam", "rows"})

    # The panes beside the rows

    def action_findings(self) -> None:
        """The findings, or the row again."""
        self._show_side("findings")

    def action_statistics(self) -> None:
        """The statistics, or the row again."""
        self._show_side("stats")

    def _show_side(self, side: Side) -> None:
        if self.side == side and self.pane == "side":
            self._go("rows", "row")
        else:
            self._go("side", side)

    def action_view_as(self) -> None:
        """As fields or as turns."""
        detail = self.query_one(RowDetail)
        row = self.source.row if self.source else None
        if row is not None and not row.conversations:
            self.luthier.tell("This row is no conversation as it is read now; m corrects that.")
            return
        detail.as_turns = not detail.as_turns
        detail.top = 0
        detail.repaint()
        self.refresh_bars()

    def action_examine_all(self) -> None:
        """Examine every row, or stop that."""
        source, desk = self.source, self.luthier.desk
        if source is None:
            return
        if source.examining is not None:
            desk.stop_examining(source)
        else:
            desk.examine(source, exact=True)

    # The mixture

    def action_weight_up(self) -> None:
        """More of it."""
        if source := self.source:
            self.luthier.desk.nudge(source, 1)

    def action_weight_down(self) -> None:
        """Less of it."""
        if source := self.source:
            self.luthier.desk.nudge(source, -1)

    def action_mixture(self) -> None:
        """The whole table."""
        self.app.push_screen(MixtureDialog())
