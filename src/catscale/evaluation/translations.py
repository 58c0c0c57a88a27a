"""`RUN/translations/`: what was translated, one sentence per line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.degenerate import Degenerate, count_degenerate
from catscale.evaluation.metrics.contract import Floats
from catscale.evaluation.metrics.table import METRICS
from catscale.evaluation.translate import Translation
from catscale.settings.own_class import is_own
from catscale.system.writing.files import remove_file, write_text

OWN_COUNTS = "own."
"""The beginning of the endings of what metrics of the user's own keep."""


def counts_ending(metric: str) -> str:
    """Return the ending of the file with a metric's statistics by sentence, which any file system can have.

    >>> counts_ending("ter"), counts_ending("my_module:MyMetric")
    ('ter', 'own.my_module.MyMetric')
    """
    return f"{OWN_COUNTS}{metric.replace(':', '.')}" if is_own(metric) else metric


@dataclass(frozen=True)
class SplitTexts:
    """One direction of a split; S sentences.

    Attributes:
        sources: S, without line breaks.
        references: S.
        found: S lists of translations, the best one first.
        further: Lists of S more references; an empty one is none.
    """

    sources: Sequence[str]
    references: Sequence[str]
    found: Sequence[Sequence[Translation]]
    further: Sequence[Sequence[str]] = ()

    @property
    def best(self) -> list[str]:
        """S translations, which are scored."""
        return [translations[0].text for translations in self.found]

    def count_degenerate(self) -> Degenerate:
        """Count the translations that are none."""
        finished = [translations[0].finished for translations in self.found]
        return count_degenerate(self.best, self.sources, finished, self.references)


@dataclass(frozen=True)
class Translations:
    """The files of one direction: `translations/SPLIT.en-xx.ENDING`.

    Attributes:
        folder: The run's.
        split: The split, as in "test".
        direction: The direction, as in "en-az".
    """

    folder: Path
    split: str
    direction: str

    def path(self, ending: str) -> Path:
        """Return the file of an ending, as in "hyp"."""
        return self.folder / "translations" / f"{self.split}.{self.direction}.{ending}"

    def write(self, texts: SplitTexts, wanted: Wanted) -> None:
        """Write sources, references and translations; what is not wanted now and lies there from before goes.

        Args:
            texts: To write.
            wanted: Whether `.nbest` (number of the sentence, log-probability where it is wanted, translation, tabs
                between) and `.scores` (the log-probability of the best translation) are written.
        """
        self.write_lines("src", _lines(texts.sources))
        self.write_lines("ref", _lines(texts.references))
        self.write_lines("hyp", _lines(texts.best))
        for number, lines in enumerate(texts.further, 1):
            self.write_lines(f"ref.{number}", _lines(lines))
        remove_file(self.path(f"ref.{len(texts.further) + 1}"))  # of an earlier evaluation; readers stop there
        for name, metric in METRICS.items():
            if metric.kept and not metric.of_model:
                remove_file(self.path(name))
        for left in sorted(self.folder.glob(f"translations/{self.split}.{self.direction}.{OWN_COUNTS}*")):
            remove_file(left)  # of metrics of the user's own, which the table may not know now
        rows = (row for number, found in enumerate(texts.found, 1) for row in rows_of(number, found))
        self._write_or_remove("nbest", _lines("\t".join(row) for row in rows) if wanted.n_best > 1 else None)
        scores = (f"{found[0].log_probability:.4f}" for found in texts.found)
        self._write_or_remove("scores", _lines(scores) if wanted.scores else None)

    def write_lines(self, ending: str, content: str) -> None:
        """Write one file."""
        write_text(self.path(ending), content)

    def write_counts(self, metric: str, counts: Floats) -> None:
        """Write the (S, k) statistics of each sentence that a metric keeps."""
        self.write_lines(counts_ending(metric), _lines("\t".join(map(repr, row)) for row in counts.tolist()))

    def _write_or_remove(self, ending: str, content: str | None) -> None:
        if content is not None:
            self.write_lines(ending, content)
        else:
            remove_file(self.path(ending))


def _lines(texts: Iterable[str]) -> str:
    return "".join(f"{text}\n" for text in texts)


def rows_of(number: int | None, translations: Sequence[Translation]) -> list[list[str]]:
    """Make a row of each translation: number of the sentence, log-probability, text.

    Tabs in a text become spaces where there is more than the text.

    Args:
        number: None for rows without one.
        translations: The translations of one sentence, with log-probabilities or without.
    """
    rows = []
    for translation in translations:
        cells = [] if number is None else [str(number)]
        if translation.log_probability is not None:
            cells.append(f"{translation.log_probability:.4f}")
        rows.append([*cells, translation.text.replace("\t", " ") if cells else translation.text])
    return rows
