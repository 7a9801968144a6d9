"""This module prints what the library costs beside what it replaces."""

from tests.bench import batches, imports, overhead

ROW = "{:<34} {:>10} {:>10} {:>8}"


def main() -> None:
    """
    Measure and print.
    """
    print(ROW.format("", "ours", "by hand", "ratio"))
    ours, theirs, ratio = overhead.compare()
    print(ROW.format("one tracked call, us", f"{ours:.1f}", f"{theirs:.1f}", f"{ratio:.2f}"))
    ours, theirs, ratio = batches.compare()
    print(ROW.format("one row of 10,000, us", f"{ours:.1f}", f"{theirs:.1f}", f"{ratio:.2f}"))
    ours, theirs, ratio = imports.compare()
    print(ROW.format("", "ours", "otel sdk", "ratio"))
    print(ROW.format("import, ms", f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}"))


if __name__ == "__main__":
    main()
