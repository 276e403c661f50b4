# Made from the declaration of the step: BLESS=1 cargo test --release --test generated
"""The component `split`, version 1.0.0."""

from __future__ import annotations

import typing as t

from ._component import Channel, Component

if t.TYPE_CHECKING:
    from kfp.dsl import PipelineTask


class Split(Component):
    """Shares rows out to train, val and test, or to folds, so that nothing that belongs together is
    parted.

    # What it does
    Fills the column `split`. Rows that share a value in *any* of the columns of `group` (patient,
    slide, camera) or in `site` stay together, and so do rows whose images have the same bytes: what
    hangs together in this way, directly or through others, is a *component*, and goes to one split
    as a whole. So do the patches of a slide (`tile.source_id`), unless `group` is empty and there
    is no `site`. A row without a value (an empty text is none) in a column is not joined through
    it; one without any is a component of its own. Among the ways to share components out, one is
    looked for in which each split has its ratio of the rows and of each class of the columns of
    `stratify`. Then the result is audited: whether values of `group` and `audit`, identical images
    or images that look alike lie in several splits.

    With `site`, no site is in two splits (preserved-site cross-validation), so that a model is
    tested on scanners and stains that it has not seen. It is one more column that holds rows
    together; that it is named apart says why.

    # Ratios
    `NAME=SHARE` with commas between; names are unique, of 1 to 64 characters other than `,`, `=` and control characters; shares are above 0 and sum to 1 (within 1e-9); at most 64 splits. `folds: K` gives K equal splits named `fold0`, `fold1`, …, and their number in `split.fold`: fold k is what a model is tested on that was trained on the others.

    # Formula
    With n_sc rows of class c in split s, N_c in all and r_s the ratio of s, the deviation of a
    class is `D_c = √(Σ_s (n_sc − r_s N_c)² / r_s) / N_c`; with K folds, K times the standard
    deviation of its shares. The least value is looked for of `Σ_columns (Σ_c D_c + W D) / (C + 1)`,
    C being the number of classes of a column and D the deviation of all rows. They weigh `W = 0.1 +
    30 Σ_c max(0, b_c − min(2 b, 1/3))²`, where b_c is the sum of squares of what components have of
    class c by N_c² (1 where it lies in a single component, 1/k in k equal ones) and b the same of
    all rows: classes that lie in few components cannot have their ratios, and the more there are of
    them, the more the ratios of rows count.
    *Greedy*, as scikit-learn's `StratifiedGroupKFold`: components in descending order of the
    variance of their class counts (exact integers; equal ones by size, then by a hash of name and
    `seed`) each go where the sum becomes least. *Improved*, which scikit-learn does not do:
    components are moved, and pairs swapped, as long as the sum falls and a fixed amount of work is
    not used up; small tables are begun anew in up to 100 other orders, and the best result is
    taken. A split that would stay empty takes the component whose move costs least. Rows without a
    label are a class of their own. Several columns of `stratify` are balanced each for itself, for
    which Sechidis's iterative stratification is known.

    *Hash.* A component goes to the split in whose part of [0, 1) its number lies: parts are as long
    as the ratios, in their order; the number is Philox4x32-10 of the BLAKE3 of its name under
    `seed`. Its name is the least value (by bytes) of the first column in which it has one, or of an
    image without any, the first 12 bytes of its digest.

    # What new data does
    With `mode: hash`, rows that are added never move a row that was there, unless they join two
    components or give one a lesser name. With `mode: balance` they may move any group: name the
    groups whose place must hold (all of the test split, for one) in `fixed`.

    # Source
    F. Howard et al., "The impact of site-specific digital histology signatures on deep learning
    model accuracy and bias", Nature Communications 12 (2021), doi:10.1038/s41467-021-24698-1. K.
    Sechidis et al., "On the stratification of multi-label data", ECML PKDD 2011,
    doi:10.1007/978-3-642-23808-6_10. M. Norouzi et al., "Fast exact search in Hamming space with
    multi-index hashing", IEEE TPAMI 36 (2014), doi:10.1109/TPAMI.2013.231: how images that look
    alike are found.

    # Edge cases
    Fewer components than folds are an error; with ratios, splits that stay empty are told. So is a
    split that is off its ratio by more than
    0.05, a class that a split lacks, and a value of `audit` in several splits. If no row has a
    value in any column of `group`, rows are shared out one by one, which is told too. Blank images
    of the same bytes join all groups that have one, which is told with their number: drop them
    before. Columns of `group`, `site`, `stratify` and `audit` may hold text, integers or booleans.
    Values are compared byte by byte: `é` of one code point is not `é` of two. With
    `near_duplicates: join`, images that look alike hang together in chains; blank ones all look
    alike.

    # Determinism
    The same split for each row whatever the order of rows and the number of threads: values are put
    in their own order before anything is decided.

    # Cost
    Two passes over the columns named. Memory is 32 bytes for each row (64 where rows have no
    group), 4 more for each column of `stratify` after the first, 16 more (and 24 for each different
    hash) where perceptual hashes are looked at, and the different values.

    # Examples
    ```sh
    microtome split patches -o splitted
    microtome split patches -o splitted --ratios train=0.8,test=0.2 --group group,tile.source_id --seed 7
    microtome split patches -o folds --folds 5 --site site --stratify label,stage
    microtome split patches -o splitted --mode hash --fixed test-patients.csv
    ```
    """

    def __call__(
        self,
        *,
        dataset: t.Optional[Channel] = None,
        audit: t.Union[t.Sequence[str], Channel] = ("tile.source_id",),
        fixed: t.Union[str, Channel, None] = None,
        folds: t.Union[int, Channel, None] = None,
        group: t.Union[t.Sequence[str], Channel] = ("group",),
        measure: t.Union[t.Literal["items", "groups"], Channel] = "items",
        mode: t.Union[t.Literal["balance", "hash"], Channel] = "balance",
        near_duplicate_bits: t.Union[int, Channel] = 4,
        near_duplicates: t.Union[t.Literal["warn", "join", "ignore"], Channel] = "warn",
        phash: t.Union[str, Channel] = "filter-background.phash",
        ratios: t.Union[str, Channel, None] = None,
        seed: t.Union[int, Channel] = 0,
        site: t.Union[str, Channel, None] = None,
        stratify: t.Union[t.Sequence[str], Channel] = ("label",),
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
        """Makes a task of `split` 1.0.0. Shares rows out to train, val and test, or to folds, so that
        nothing that belongs together is parted.

        Args:
            dataset: The dataset that an earlier step gave. In place of `input_uri`.
            audit: More columns of which it is told when a value lies in several splits.
                `tile.source_id` may be missing.
            fixed: CSV file with the columns `group` (values of the first column of `group`) and
                `split`: those go there, with all that hangs together with them. (A path or URL that the
                step can read, or the content as JSON.)
            folds: Number of equal splits, in place of `ratios`. (2 to 100)
            group: Columns whose values no two splits may share: patient, slide, camera.
            measure: What ratios are counted in.
            mode: How components are shared out.
            near_duplicate_bits: Bits of 64 in which the hashes of images that look alike may
                differ. (0 to 10)
            near_duplicates: What is done about images that look alike.
            phash: Column of the perceptual hash, 16 hex digits; the default may be missing.
            ratios: Names of the splits and their shares, `train=0.7,val=0.15,test=0.15` where
                neither this nor `folds` is given.
            seed: Seed of all that is left to chance: another seed, another split. (0 to
                9007199254740991)
            site: Column of the site that data comes from: no two splits share a site either.
            stratify: Columns whose values each split has its ratio of.
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


split = Split("split", "1.0.0", "localhost/microtome-split:1.0.0")
