"""What the screens and their panes are, for one who meets them first: help begins with it.

Keys are not named here: they come from the table of keys. A pane may say it itself, in an attribute `about`.
"""

from __future__ import annotations

from textual.widget import Widget

from tui.keys.key import Where

SCREENS: dict[Where, str] = {
    "home": "All runs, the living ones first, and what is known of the one under the cursor. Runs are processes of their own: "
    "they go on when Luthier ends.",
    "data": "The rows of open files and datasets: what format they are in, what is wrong with them, which of them a run would "
    "use. Files are never changed.",
    "tokens": "Exactly what is trained: the rows as tokens, which of them are learned, what is cut, and the batches in the order "
    "of the training. Changes stay in a draft until they are written.",
    "configure": "The run file as a form, with the memory that the run is planned to take. Changes stay in a draft until they "
    "are written.",
    "monitor": "One run: its loss, its speed, its memory, its samples and its log, as they come. What is asked of the run here "
    "it does after its present step.",
    "compare": "Several runs on one chart, and what is different about them.",
    "demo": "The whole journey offline: a model from scratch, a fine-tuned adapter, and an exam for both.",
    "log": "All that the run and its libraries printed. At the end it follows what comes.",
    "help": "Every key, by place. The first place is where you came from.",
    "dialog": "A question. enter answers it, esc closes it and nothing is done; a click beside a line closes it, too.",
}
PANES: dict[str, str] = {
    "RunList": "The list of runs: how each is doing, how far it is, the course of its loss, when it was last heard of.",
    "RowView": "The rows of the source, or those that were searched or found.",
    "RowDetail": "One row in full: its fields, or the conversation that a model would see.",
    "StatsPane": "What the columns hold: how long the texts are, what is empty, which values are frequent.",
    "FindingsList": "What is wrong with the rows. Choosing a finding shows its rows.",
    "SourceList": "The open files and datasets, with their shares of the mixture.",
    "TokenStrip": "The row as its tokens. A bar below a token says that it is learned.",
    "RowFields": "The fields of the row, as they were read.",
    "RenderedText": "The text that the template makes of the row.",
    "TokenCard": "All that is known of the token under the cursor.",
    "BatchMap": "The rows of one batch, in the order of the training; a line is a sequence.",
    "LengthChart": "How long the rows are, and what the limit cuts.",
    "StrategiesTable": "The ways of making batches, and what each costs.",
    "TokenFindings": "What is wrong with the rows as tokens, and what would mend it.",
    "ParityView": "The ids that are trained beside those that a generation would be given.",
    "PieceList": "The vocabulary: every piece of the tokenizer.",
    "CompareView": "The same rows with two tokenizers.",
    "SplitPane": "One text, split by both tokenizers.",
    "Chapters": "The chapters of the demo.",
    "Answers": "The questions of the exam, with the answers of the base and of the tuned model.",
    "AboutText": "What the draft is made of.",
    "ChangesList": "What would be written, line by line.",
    "CompareChart": "The runs on one chart. The crosshair reads all of them at one place.",
    "CompareRuns": "The runs that are compared, with their marks and their final figures.",
    "CompareDifferences": "What is different about the runs: settings, data, versions, hardware.",
    "DifferenceList": "Settings that differ, before and after.",
    "CurveChart": "A chart. The crosshair reads the values at one place; the window can be moved and made smaller.",
    "FormBroken": "What keeps the run file from being read.",
    "FormWelcome": "No run file lies open yet: this is how to get to one.",
    "KeyList": "Every key, by place.",
    "OptionList": "What can be chosen.",
    "PlaceList": "Files, folders and datasets that can be opened.",
    "PlanPane": "What the run would take: memory against the device, steps, time, disk.",
    "PresetList": "Settings that belong together, and what each would change.",
    "ReportList": "What became of each key of the file that was imported.",
    "RunChoices": "The runs; those that are marked are compared.",
    "Save": "A button.",
    "StartList": "The ways to start the run: now, later, or as a command.",
    "StartWords": "What is about to start.",
    "TagList": "The tags of all runs.",
    "TemplateList": "The ways in which rows become text.",
    "ToldList": "What was told, the newest last.",
    "ChoiceList": "Lines with choices: left and right change the one under the cursor.",
    "LineInput": "A field. What is typed or pasted goes into it; nothing is run by pasting.",
    "PathInput": "A field for a path. What is typed or pasted goes into it; nothing is run by pasting.",
}
MOUSE = (
    "Everything can be clicked, and nothing has to be. To select text with the terminal itself hold shift while dragging, or "
    "start with --no-mouse."
)


def about_pane(widget: Widget | None) -> str:
    """What a pane is; "" where nothing is known of it."""
    if widget is None:
        return ""
    own = getattr(widget, "about", "")
    if isinstance(own, str) and own:
        return own
    return next((PANES[kind.__name__] for kind in type(widget).__mro__ if kind.__name__ in PANES), "")
