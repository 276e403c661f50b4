# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `sample`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Sample(Component):
    """Draws rows so that classes have the shares that training wants: fewer, repeated or weighted,
    with caps.

    # What it does
    Takes the rows of the training split (`splits`; rows of all others go on untouched), thins them
    by `cap`, `cap_all` and `spacing_px`, counts what is left of each class, and brings the classes
    to the shares that `target` asks for: by leaving rows out (`mode: under`), by repeating them
    (`over`), by both, or by weights alone. The distribution before and after stands in `run.json`,
    in the record and in the report. A manifest of which no row has a split is drawn from as a
    whole, and a note says so; several splits are balanced each on its own.

    # Formula
    With `n` rows of a class, its share is proportional to: 1 (`equal`), √n (`sqrt`), n (`natural`),
    n^A (`power:A`), `n (1 − B) / (1 − B^n)` (`effective-number:B`, so that each row has the weight
    of Cui et al.), or what `proportions` or `counts` say by hand. Classes that are not named by
    hand are dropped; one that is named and has no row is an error.

    *under* without `size`: the largest draw in these shares that repeats nothing: the scarcest
    class (least rows by share) goes in whole, the others get its rows times the ratio of shares,
    rounded half up. With `size`: that number by largest remainders; a class that has fewer rows
    gives all it has (`on_short`). *over*: the most plentiful class stays as it is, and all others
    are repeated up to it. *both*: `size` by largest remainders. In a class of n rows of which q are
    drawn, each row is drawn ⌊q/n⌋ times, and q mod n of them once more. *weights*: `weight = share
    · N / n`, of mean 1 over the N rows.

    *Which* rows: those with the least keys, a hash of (`seed`, the item's digest). With `hard`,
    keys are −ln(u)/w, u from the hash and w from that column (Efraimidis and Spirakis): weighted
    sampling without replacement; rows whose w is null or not above 0 come after all others. With
    `levels`, a class's rows are shared out equally among the values of the first column, what each
    has among those of the second, and so on: what one cannot use goes to the others, and what
    cannot be divided to those with the least hash. In *weights*, shares are divided in the same
    way, and a row's part is proportional to `hard`.

    *Thinning*, in this order, each keeping those with the least keys: each entry of `cap`
    (`group=200`: of each class 200 rows of each group), each of `cap_all` (over all classes), then
    `spacing_px`: rows of one slide are taken by their keys, and one that lies nearer to one that
    was taken (Euclidean, between corners, in level-0 pixels) is left out. Rows without a value are
    not capped.

    *Several classes per row*: with `separator`, `a;b` counts for both; with `soft: tile.share.`,
    columns with that prefix hold the shares of classes named by what follows it. A row's weight is
    Σ share · target / mass, mass being the sum of a class's shares; `under` draws `size` rows by it
    as by `hard`, so that classes come near to the target on average, and `weights` writes it.

    # Shapes and units
    `sample.repeat` is how often a row is drawn, at least 1. A `weight` is 0 or more, for a sampler that draws with replacement (torch's `WeightedRandomSampler`).

    # Source
    Y. Cui, M. Jia, T. Lin, Y. Song, S. Belongie, "Class-balanced loss based on effective number of
    samples", CVPR 2019, doi:10.1109/CVPR.2019.00949. P. Efraimidis, P. Spirakis, "Weighted random
    sampling with a reservoir", Information Processing Letters 97 (2006),
    doi:10.1016/j.ipl.2005.11.003.

    # Edge cases
    A class with too few rows is a note with numbers, or an error (`on_short`); rows that are drawn
    more than 20 times each are a note. An empty manifest stays empty. A split that is named and
    does not occur is an error. Columns of fractions are no classes. Equal images (one digest) have
    one key; where the limit falls between them, a hash of their ids decides. An empty text is no
    value; in `levels`, the rows without a value stand together like those of one. With `over` and
    `counts`, a class that has more rows than its count is an error, because `over` leaves nothing
    out. In *weights*, `hard` must be below 2^20, and counts down to 2^-40.

    # Determinism
    The same rows for any order of rows, any division into files and any number of threads.
    *Growth*: with the same number drawn of a class, rows that are added displace as many of the old
    ones at most, and none is drawn that was not before; where that number follows from the counts
    (`under` without `size`), it moves with the scarcest class.

    # Cost
    Two passes over the columns that are looked at (four where a row may have several classes). Held
    are 16 bytes per row, 4 more for each column of caps and levels, 8 while a cap is counted, 48
    with `spacing_px`, and 8 for each row that is drawn.

    # Examples
    ```sh
    microtome sample splitted -o balanced
    microtome sample splitted -o balanced --mode both --size 1000000 --levels group,tile.source_id
    microtome sample splitted -o balanced --mode weights --target effective-number:0.999
    microtome sample splitted -o balanced --target counts --counts tumor=500,normal=900 --cap group=50
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        cap: t.Union[t.Sequence[str], Channel] = (),
        cap_all: t.Union[t.Sequence[str], Channel] = (),
        counts: t.Union[t.Sequence[str], Channel] = (),
        hard: t.Union[str, Channel, None] = None,
        label_column: t.Union[str, Channel] = "label",
        levels: t.Union[t.Sequence[str], Channel] = (),
        max_repeats: t.Union[int, Channel, None] = None,
        mode: t.Union[t.Literal["under", "over", "both", "weights"], Channel] = "under",
        on_short: t.Union[t.Literal["warn", "fail"], Channel] = "warn",
        proportions: t.Union[t.Sequence[str], Channel] = (),
        repeats: t.Union[t.Literal["column", "rows"], Channel] = "column",
        seed: t.Union[int, Channel] = 0,
        separator: t.Union[str, Channel, None] = None,
        size: t.Union[int, Channel, None] = None,
        soft: t.Union[str, Channel, None] = None,
        spacing_px: t.Union[float, Channel, None] = None,
        splits: t.Union[t.Sequence[str], Channel] = ("train",),
        target: t.Union[str, Channel] = "equal",
        unlabelled: t.Union[t.Literal["drop", "keep", "fail"], Channel] = "drop",
        input_uri: t.Union[str, Channel] = "",
        output_uri: t.Union[str, Channel] = "",
        input_digest: t.Union[str, Channel] = "",
        leg: t.Union[str, Channel] = "",
        threads: t.Union[int, Channel] = 0,
        max_failures: t.Union[str, Channel] = "0",
        pack: t.Union[str, Channel] = "",
        max_decoded: t.Union[str, Channel] = "",
        partition_by: t.Union[str, Channel] = "",
    ) -> PipelineTask:
        """Makes a task of `sample` 1.0.0. Draws rows so that classes have the shares that training
        wants: fewer, repeated or weighted, with caps.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            cap: At most N rows of each value of a column in each class: `column=N`, several in this
                order.
            cap_all: At most N rows of each value of a column over all classes: `column=N`, after
                those of `cap`.
            counts: With `target: counts`: `label=number of rows`.
            hard: Column of weights by which rows of a class are preferred, at least 0.
            label_column: Column that holds the class: text, integers or booleans.
            levels: Columns among whose values a class is shared out equally, the outermost first.
            max_repeats: How often a row is drawn at most; no limit, if not given. (1 to 1000000)
            mode: How the target is reached.
            on_short: What happens when a class has too few rows.
            proportions: With `target: proportions`: `label=number`, in any unit. A label with a
                comma needs a params file.
            repeats: How a row says that it is drawn several times.
            seed: Seed of all draws: another seed, other rows. (0 to 9007199254740991)
            separator: What stands between the labels of a row that has several.
            size: Draws in all, of each split that is balanced. With `under` and `both`. (1 to 4e9)
            soft: Prefix of the columns that hold shares of classes, as `tile.share.`: in place of
                `label_column`.
            spacing_px: Least distance of two patches of a slide, in level-0 pixels. Needs
                `tile.x_px`, `tile.y_px` and `tile.source_id`. (0.001 to 1e9)
            splits: Splits that are balanced, each on its own; rows of all others go on untouched,
                with the `sample.repeat` and `weight` that they have. Those of rows that are drawn again
                are replaced.
            target: Shares of the classes: `equal`, `sqrt`, `natural`, `power:A`,
                `effective-number:B`, `proportions` or `counts`.
            unlabelled: What becomes of rows without a class.
            input_uri: A dataset: a mounted folder, or an az://, abfss://, s3:// or gs:// prefix. In
                place of the artifact `dataset`; the bulk stays where it is.
            output_uri: Where the dataset is made: a mounted folder or a prefix. A stable place is
                gone on with, so that only what is missing is done. Empty: the artifact's own place.
            input_digest: BLAKE3 of the manifest that is read (`manifest_digest` of the step
                before), so that Kubeflow's cache sees content. Held to it, if given; for a step that
                lists, it is only part of the cache's key.
            leg: `K:STEP,STEP,…`: this is the K-th step of this chain, all of which is done in
                `output_uri`, a process each.
            threads: Threads that do work; 0: one per core that the container may use.
            max_failures: Failed units that are still a success: `N` or `P%`.
            pack: Lay outputs down in tars (WebDataset shards) of about this size (`512MiB`); empty:
                a file each.
            max_decoded: Largest decoded source tile or photo that is accepted (`1GiB`); empty: the
                default.
            partition_by: Columns by which the manifest is laid down once more, Hive-style
                (`split,label`).
        """
        return self._task(locals())


sample = Sample("sample", "1.0.0", "localhost/microtome-sample:1.0.0")
