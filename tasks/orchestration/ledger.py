"""The account of a run: what its stages took, gave and dropped. Entries are added and never changed."""

from collections.abc import Sequence

from tasks.data.plan_scores import Round
from tasks.data.references import DatasetRef
from tasks.pipeline.sampling.throughput import RoundThroughput


class RunLedger:
    """Times, results, rejects and rounds of a run, in the order in which they came."""

    def __init__(self) -> None:
        self._times: list[tuple[str, float]] = []
        self._results: list[str] = []
        self._rejects: list[DatasetRef] = []
        self._rounds: list[Round] = []
        self._throughput: list[RoundThroughput] = []
        self._disputed: list[DatasetRef] = []
        self._notes: list[str] = []

    def add_time(self, stage: str, seconds: float) -> None:
        """Add seconds that a stage took."""
        self._times.append((stage, seconds))

    def add_results(self, keys: Sequence[str]) -> None:
        """Add names of cached results that the run is made of."""
        self._results.extend(keys)

    def add_rejects(self, rejects: DatasetRef) -> None:
        """Add rows that a stage dropped; the same rows, from a stage that is called again, count once."""
        if rejects not in self._rejects:
            self._rejects.append(rejects)

    def add_round(self, round_: Round, throughput: RoundThroughput, disputed: DatasetRef) -> None:
        """Close a round of sampling.

        Args:
            round_: State after it.
            throughput: What its sampling gave and took.
            disputed: Rows that its verification dropped, from all rounds so far.
        """
        self._rounds.append(round_)
        self._throughput.append(throughput)
        self._disputed.append(disputed)

    def add_note(self, note: str) -> None:
        """Add something that a reader of the run's figures should know, as a sentence."""
        self._notes.append(note)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures should know."""
        return tuple(self._notes)

    @property
    def disputed(self) -> tuple[DatasetRef, ...]:
        """Rows that the verification of the last round dropped, from all rounds; empty before the first."""
        return tuple(self._disputed[-1:])

    @property
    def timings(self) -> dict[str, float]:
        """Seconds per stage, summed over its calls."""
        return {name: sum(s for stage, s in self._times if stage == name) for name, _ in self._times}

    @property
    def results(self) -> tuple[str, ...]:
        """Names of all cached results."""
        return tuple(self._results)

    @property
    def rejects(self) -> tuple[DatasetRef, ...]:
        """Everything that was dropped.

        Each round verifies all rows again: of what verification dropped, the last round's verdict counts.
        """
        return (*self._rejects, *self.disputed)

    @property
    def rounds(self) -> tuple[Round, ...]:
        """State after each round of sampling."""
        return tuple(self._rounds)

    @property
    def throughput(self) -> tuple[RoundThroughput, ...]:
        """What each round of sampling gave and took."""
        return tuple(self._throughput)
