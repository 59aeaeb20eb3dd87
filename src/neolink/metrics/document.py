"""The tables of ``docs/metrics.md``, made from the catalogue; the text around them stays.

``python -m neolink.metrics.document docs/metrics.md`` writes them anew.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from neolink.metrics.catalogue import CATALOGUE
from neolink.metrics.model import SCOPE_LABELS, Metric, Scope

__all__ = ["with_tables"]

PLACE: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
HEAD: Final = "| metric | type | labels | meaning |\n|---|---|---|---|\n"


def with_tables(document: str) -> str:
    """Fill each place ``<!-- table: SCOPE -->`` … ``<!-- end -->`` with the scope's table."""
    tables = {scope.value: _table(scope, metrics) for scope, metrics in CATALOGUE}
    return PLACE.sub(lambda found: found[1] + tables[found[2]] + found[3], document)


def _table(scope: Scope, metrics: Iterable[Metric[Any]]) -> str:
    lines = []
    for metric in metrics:
        labels = " ".join(f"`{label}`" for label in (*SCOPE_LABELS[scope], *metric.labels))
        lines.append(f"| `{metric.name}` | {metric.type} | {labels} | {metric.help} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text("utf-8")), "utf-8")
