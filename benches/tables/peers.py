"""The same works by other programs: peers.py DATASET. Prints work, who, seconds (tab-separated)."""

import sys
import time

import pyarrow.parquet as pq

DRAWS, CAP, EACH, FOLDS = 1_000_000, 200, 1000, 5
path = sys.argv[1] + "/manifest.parquet"


def timed(work, who, run, times=3):
    """The best of some runs, in seconds of the wall clock."""
    best = None
    for _ in range(times):
        begun = time.perf_counter()
        run()
        took = time.perf_counter() - begun
        best = took if best is None else min(best, took)
        if took > 20:
            break
    print(f"{work}\t{who}\t{best:.3f}", flush=True)


def polars_works():
    import polars as pl

    frame = pl.read_parquet(path, columns=["label", "group", "digest"])
    coded = frame.with_columns(pl.col("label").cast(pl.Categorical), pl.col("group").cast(pl.Categorical))
    rank = pl.int_range(pl.len()).shuffle(seed=1)
    timed("cap of 200 per (patient, class)", "polars", lambda: coded.filter(rank.over("group", "label") < CAP))
    timed("1000 of each class", "polars", lambda: coded.filter(rank.over("label") < EACH))

    def file_to_file():
        rows = pl.scan_parquet(path).filter(rank.over("group", "label") < CAP)
        rows.collect().write_parquet("/dev/null" if len(sys.argv) < 3 else sys.argv[2])

    timed("cap of 200 per (patient, class), file to file", "polars", file_to_file, times=1)


def torch_works():
    import numpy as np
    import torch

    labels = pq.read_table(path, columns=["label"])["label"].combine_chunks().dictionary_encode()
    codes = labels.indices.to_numpy()

    def draw():
        weights = 1.0 / np.bincount(codes)[codes]
        list(torch.utils.data.WeightedRandomSampler(torch.from_numpy(weights), DRAWS))

    try:
        timed("balanced draw of 1 M", "torch WeightedRandomSampler", draw)
    except RuntimeError as error:
        print(f"torch: {error}", file=sys.stderr)

    def numpy_draw():
        weights = 1.0 / np.bincount(codes)[codes]
        np.random.default_rng(1).choice(len(codes), DRAWS, p=weights / weights.sum())

    timed("balanced draw of 1 M", "numpy choice", numpy_draw)


def sklearn_works():
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    table = pq.read_table(path, columns=["label", "group"])
    label, group = (table[name].combine_chunks().dictionary_encode().indices.to_numpy() for name in ("label", "group"))
    folds = np.empty(len(label), np.int8)

    def split():
        of = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=1)
        for fold, (_, test) in enumerate(of.split(np.zeros((len(label), 1), np.int8), label, group)):
            folds[test] = fold

    timed(f"stratified group folds, {FOLDS}", "scikit-learn", split, times=1)
    counts = np.zeros((FOLDS, label.max() + 1))
    np.add.at(counts, (folds, label), 1)
    shares = counts / counts.sum(0)
    print(f"largest deviation of a class in a fold\tscikit-learn\t{abs(shares - 1 / FOLDS).max():.6f}")


for works in (polars_works, torch_works, sklearn_works):
    try:
        works()
    except ImportError as error:
        print(f"not installed: {error.name}", file=sys.stderr)
