"""The names that `--metric` takes, read from the table when somebody asks for them: importing it takes a while."""

from collections.abc import Collection, Iterator


class MetricNames(Collection[str]):
    """The names of all metrics, as the choices of an option, and those of the user's own, which have a colon."""

    def _all(self) -> list[str]:
        from catscale.evaluation.metrics.table import METRICS

        return list(METRICS)

    def __contains__(self, name: object) -> bool:
        return name in self._all() or ":" in str(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
