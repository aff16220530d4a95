"""A run that writes TensorBoard files while it trains. Whatever goes wrong with them, the run goes on and says so once."""

from __future__ import annotations

from engine.config.runfile import RunFile
from engine.runs.events import Event, Warning_
from engine.runs.journal import Journal
from engine.runs.paths import RunDir
from engine.track.tensorboard import Board, folder_of, require_package


class Tracking:
    """Hands the events of a journal to a board, from `start` to `stop`."""

    def __init__(self, run_dir: RunDir, journal: Journal) -> None:
        self.dir, self.journal = run_dir, journal
        self._board: Board | None = None

    def start(self, run: RunFile, hello: Event) -> None:
        """Begin, where the run file asks for it. `hello`, which is written already, says where a resumed run goes on.

        Raises ConfigError where the package is missing.
        """
        if not run.track.tensorboard:
            return
        require_package(run)
        try:
            self._board = Board(folder_of(self.dir))
            self._board.see(hello)
        except Exception as error:  # noqa: BLE001 - another program's files must not end a run
            self._give_up(error)
        else:
            self.journal.heard = self._see

    def stop(self) -> None:
        """Write what is left."""
        self.journal.heard = None
        board, self._board = self._board, None
        if board is None:
            return
        try:
            board.close()
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(error)

    def _see(self, event: Event) -> None:
        if self._board is None:
            return
        try:
            self._board.see(event)
        except Exception as error:  # noqa: BLE001 - as above
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.journal.heard, self._board = None, None
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        hint = f"the journal has everything: `luthier tensorboard {self.dir.name} -o DIR` writes them afterwards"
        message = f"TensorBoard files are not written any more: {first}"
        self.journal.append(Warning_(code="tensorboard", message=message, hint=hint))
