//! `sample`: class-balanced draws of rows. The page for users is [`Params`].

mod answer;
pub mod draw;
mod findings;
pub mod levels;
mod look;
mod params;
mod several;
pub mod spacing;
pub mod target;
mod thin;

use schemars::JsonSchema;
use serde::Serialize;

pub use params::{Mode, OnShort, Params, Plan, Repeats, Unlabelled};

use answer::{Answers, By};
use draw::{Bits, DROPPED, UNTOUCHED};
use findings::{Findings, OfCap, OfClass, OfLevel, OfSplit};
use levels::Levels;
use look::{Look, PLACE, SLIDE, columns_of, of_ids};
use several::Several;
use target::shown;

use crate::error::{Error, Result};
use crate::manifest::{Column, Kind, Schema};
use crate::step::{Manifest, Out, Step};

const fn base(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, made_by: "scan", doc }
}

/// What an earlier draw said.
const REPEAT: Column = Column {
    name: "sample.repeat",
    kind: Kind::Int,
    made_by: "sample",
    doc: "how often a row is drawn already, kept for rows of other splits",
};

/// What `sample` says of every row that goes on.
#[derive(Serialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// How often the row is drawn, at least 1; with `repeats: rows` it stands there so often, and
    /// this is 1.
    pub repeat: u64,
}

/// The step.
pub struct Sample {
    params: Params,
    plan: Plan,
}

impl Step for Sample {
    const NAME: &'static str = "sample";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Manifest;
    type Facts = Facts;
    const READS: &'static [Column] = &[
        base("id", Kind::Text, "decides between equal images, where a limit falls between them"),
        base("label", Kind::Text, "the class, unless `label_column` or `soft` says otherwise"),
        base("split", Kind::Text, "only rows of the splits that are named are drawn from"),
        base("weight", Kind::Float, "kept for rows of other splits"),
        REPEAT,
    ];

    fn new(params: Params) -> Result<Self> {
        let plan = params.plan()?;
        Ok(Self { params, plan })
    }

    fn needs(&self) -> &'static [Column] {
        &[]
    }

    fn columns(&self, schema: &Schema) -> Result<Vec<String>> {
        let params = &self.params;
        let mut names = vec!["id".to_string(), "split".to_string()];
        let discrete: &[Kind] = &[Kind::Text, Kind::Int, Kind::Bool];
        let text: &[Kind] = &[Kind::Text];
        let number: &[Kind] = &[Kind::Int, Kind::Float];
        let mut add = |name: &str, kinds: &[Kind], what: &str| {
            require(schema, name, kinds, what)?;
            names.push(name.into());
            Ok(())
        };
        add("weight", &[Kind::Float], "weights of rows of other splits")?;
        if schema.kind(REPEAT.name).is_some() {
            add(REPEAT.name, &[Kind::Int], REPEAT.doc)?;
        }
        match (&params.soft, &params.separator) {
            (None, None) => add(&params.label_column, discrete, "the class")?,
            (None, Some(_)) => add(&params.label_column, text, "the classes")?,
            (Some(prefix), _) => {
                let found = several::columns(params, schema);
                if found.is_empty() {
                    let message = "`soft` names no column of numbers by its prefix";
                    return Err(Error::Schema {
                        step: Self::NAME.into(),
                        column: format!("{}…", findings::cut(prefix)),
                        message: message.into(),
                    });
                }
                found.iter().try_for_each(|name| add(name, number, "shares"))?;
            }
        }
        for (name, _) in self.plan.cap.iter().chain(&self.plan.cap_all) {
            add(name, discrete, "what a cap counts by")?;
        }
        params.levels.iter().try_for_each(|name| add(name, discrete, "a level"))?;
        if let Some(name) = &params.hard {
            add(name, number, "weights of rows")?;
        }
        if params.spacing_px.is_some() {
            add(SLIDE, discrete, "`spacing_px` needs the slide of each patch; `tile` makes it")?;
            for name in PLACE {
                add(name, number, "`spacing_px` needs the place of each patch; `tile` makes it")?;
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn run(&self, manifest: Manifest, out: &mut Out<'_, Facts>) -> Result<()> {
        let params = &self.params;
        let caps: Vec<_> = self.plan.cap.iter().chain(&self.plan.cap_all).cloned().collect();
        let mut look = Look::at(&manifest, params, columns_of(params, &caps), out)?;
        let cells = look.splits.len() * if params.several() { 1 } else { look.classes.len() };
        let rows = draw::counts(&look.cells, cells);
        let mut said = Findings::default();
        self.thin(&manifest, &mut look, &mut said)?;
        let available = draw::counts(&look.cells, cells);
        self.begin(&look, (&rows, &available), &mut said, out)?;
        match params.several() {
            true => self.draw_several(&manifest, look, &mut said, out)?,
            false => self.draw_classes(&manifest, look, (&rows, &available), &mut said, out)?,
        }
        out.findings(&said)
    }
}

/// Refuses a column that is not there or holds other values.
fn require(schema: &Schema, name: &str, kinds: &[Kind], what: &str) -> Result<()> {
    let message = match schema.kind(name) {
        Some(kind) if kinds.contains(&kind) => return Ok(()),
        Some(kind) => {
            let wanted: Vec<&str> = kinds.iter().map(|kind| kind.json_name()).collect();
            format!(
                "it holds {} values where {} is needed ({what})",
                kind.json_name(),
                wanted.join(" or ")
            )
        }
        None => format!("there is none ({what})"),
    };
    let column = findings::cut(name);
    Err(Error::Schema { step: Sample::NAME.into(), column, message })
}

impl Sample {
    /// What is said of the splits before anything is drawn.
    fn begin(
        &self,
        look: &Look,
        (rows, available): (&[u64], &[u64]),
        said: &mut Findings,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let per_split = rows.len() / look.splits.len().max(1);
        for (index, split) in look.splits.iter().enumerate() {
            let of = |counts: &[u64]| -> u64 {
                counts.iter().skip(index * per_split).take(per_split).sum()
            };
            let split = OfSplit {
                split: split.as_deref().map(findings::cut),
                rows: look.rows.get(index).copied().unwrap_or(0),
                unlabelled: look.unlabelled.get(index).copied().unwrap_or(0),
                thinned: of(rows) - of(available),
                ..OfSplit::default()
            };
            let OfSplit { rows, unlabelled, .. } = split;
            if split.split.is_none() {
                out.note(format!("no row has a split: all {rows} are drawn from"))?;
            }
            if unlabelled > 0 {
                let what =
                    if self.params.unlabelled == Unlabelled::Keep { "kept" } else { "dropped" };
                let place = split.place();
                out.note(format!(
                    "{unlabelled} of {rows} rows{place} have no class and are {what}"
                ))?;
            }
            if of(available) == 0 {
                out.note(format!("no row{} can be drawn", split.place()))?;
            }
            said.splits.push(split);
        }
        for cap in said.caps.iter().filter(|cap| cap.without_value > 0) {
            let OfCap { column, without_value, .. } = cap;
            out.note(format!("{without_value} rows have no {} and are not capped", shown(column)))?;
        }
        if let Some(without) = said.spacing.as_ref().map(|s| s.without_place).filter(|n| *n > 0) {
            out.note(format!("{without} rows have no slide or place and keep no distance"))?;
        }
        Ok(())
    }

    /// Draws from classes.
    fn draw_classes(
        &self,
        manifest: &Manifest,
        mut look: Look,
        (rows, available): (&[u64], &[u64]),
        said: &mut Findings,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let params = &self.params;
        let classes = look.classes.len();
        let (mut shares, mut quotas) = (Vec::new(), Vec::new());
        for (split, available) in look.splits.iter().zip(available.chunks(classes.max(1))) {
            let there = look.classes.iter().zip(available).map(|(c, n)| (c.as_str(), *n as f64));
            let of_split = self.plan.target.shares(split.as_deref(), there)?;
            let of_classes = self.plan.target.quotas(params, available, &of_split)?;
            self.check_over(&look.classes, available, &of_split, &of_classes)?;
            quotas.extend(of_classes);
            shares.extend(of_split);
        }
        let drawn: Vec<u64> = (quotas.iter().zip(available).zip(&shares))
            .map(|((quota, n), share)| match (params.mode, *share > 0.0) {
                (_, false) => 0,
                (Mode::Weights, true) => *n,
                (Mode::Under, true) => *quota.min(n),
                (Mode::Over | Mode::Both, true) => {
                    (*quota).min(n.saturating_mul(params.max_repeats.unwrap_or(u64::MAX)))
                }
            })
            .collect();
        for (index, split) in said.splits.iter_mut().enumerate() {
            let of = |class: usize| {
                let cell = index * classes + class;
                let (drawn, available) = (drawn[cell], available[cell]);
                OfClass {
                    class: findings::cut(&look.classes[class]),
                    rows: rows[cell],
                    available,
                    share: shares[cell],
                    quota: quotas[cell],
                    drawn,
                    distinct: drawn.min(available),
                    repeats: drawn.saturating_sub(available),
                    short: quotas[cell].saturating_sub(drawn),
                }
            };
            let of_classes: Vec<OfClass> = (0..classes).map(of).collect();
            let (notes, short) = findings::notes(split, &of_classes);
            notes.into_iter().try_for_each(|note| out.note(note))?;
            if let Some(short) = short.filter(|_| params.mode != Mode::Weights) {
                if params.on_short == OnShort::Fail {
                    return Err(Error::params("on_short", short));
                }
                out.note(short)?;
            }
            split.list(of_classes);
        }
        for cell in &mut look.cells {
            if shares.get(*cell as usize).is_some_and(|share| *share <= 0.0) {
                *cell = DROPPED;
            }
        }
        let levels = self.levels(&look)?;
        if params.mode == Mode::Weights {
            let of = (shares.as_slice(), available);
            let by = By::weights(params, manifest, &look, of, levels.as_ref(), out)?;
            if let Some(levels) = &levels {
                self.tell_levels(levels, draw::counts(&levels.leaves, levels.leaves()), said);
            }
            return Answers { params, manifest, look: &look, by: &by }.give(said, out);
        }
        let whole = |(drawn, n): (&u64, &u64)| drawn.checked_div(*n).unwrap_or(0);
        let times: Vec<u64> = drawn.iter().zip(available).map(whole).collect();
        let rest = |(drawn, n): (&u64, &u64)| drawn.checked_rem(*n).unwrap_or(0);
        let rest: Vec<u64> = drawn.iter().zip(available).map(rest).collect();
        let mut ties = |rows: &[u32]| of_ids(manifest, params.seed, rows);
        let more = match &levels {
            None => draw::least(&look.cells, &look.keys, &rest, &mut ties)?,
            Some(levels) => {
                let room = draw::counts(&levels.leaves, levels.leaves());
                let quotas = levels.quotas(&rest, room);
                draw::least(&levels.leaves, &look.keys, &quotas, &mut ties)?
            }
        };
        if let Some(levels) = &levels {
            let mut draws = vec![0; levels.leaves()];
            for (row, (leaf, cell)) in levels.leaves.iter().zip(&look.cells).enumerate() {
                if let (Some(draws), Some(times)) =
                    (draws.get_mut(*leaf as usize), times.get(*cell as usize))
                {
                    *draws += times + u64::from(more.get(row));
                }
            }
            self.tell_levels(levels, draws, said);
        }
        let by = By::Draws { times, more };
        Answers { params, manifest, look: &look, by: &by }.give(said, out)
    }

    /// Refuses counts for which `over` would have to leave rows out.
    fn check_over(
        &self,
        classes: &[String],
        available: &[u64],
        shares: &[f64],
        quotas: &[u64],
    ) -> Result<()> {
        if self.params.mode != Mode::Over {
            return Ok(());
        }
        let mut numbers = classes.iter().zip(available).zip(shares.iter().zip(quotas));
        match numbers.find(|((_, n), (share, quota))| **share > 0.0 && quota < n) {
            Some(((class, n), (_, quota))) => {
                let message = format!(
                    "{} is to have {quota} draws and has {n} rows, of which `over` leaves none out: take `both`",
                    shown(class)
                );
                Err(Error::params("counts", message))
            }
            None => Ok(()),
        }
    }

    fn levels(&self, look: &Look) -> Result<Option<Levels>> {
        if self.params.levels.is_empty() {
            return Ok(None);
        }
        let splits = look.splits.iter().map(|split| split.as_deref().unwrap_or_default());
        let names: Vec<String> = splits
            .flat_map(|split| look.classes.iter().map(move |class| format!("{split}\n{class}")))
            .collect();
        let mut columns = Vec::new();
        for name in &self.params.levels {
            let merged = look.column(name)?;
            columns.push((&merged.words, merged.codes.as_slice()));
        }
        Levels::new(&look.cells, &names, &columns, self.params.seed).map(Some)
    }

    fn tell_levels(&self, levels: &Levels, draws: Vec<u64>, said: &mut Findings) {
        let sums = levels.sums(draws).into_iter().skip(1);
        let names = self.params.levels.iter().map(|name| findings::cut(name));
        said.levels = names.zip(sums).map(|(name, draws)| OfLevel::of(&name, draws)).collect();
    }

    /// Draws rows that may have several classes.
    fn draw_several(
        &self,
        manifest: &Manifest,
        mut look: Look,
        said: &mut Findings,
        out: &mut Out<'_, Facts>,
    ) -> Result<()> {
        let params = &self.params;
        let (splits, classes) = (look.splits.clone(), look.classes.clone());
        let of = (splits.as_slice(), classes.as_slice(), look.cells.as_slice());
        let several = Several::new(params, &self.plan.target, manifest, of, out)?;
        let mut ties = |rows: &[u32]| of_ids(manifest, params.seed, rows);
        let before = draw::counts(&look.cells, splits.len());
        let drawn: Bits = several.draw(&mut look, out, &mut ties)?;
        let there = draw::counts(&look.cells, splits.len());
        let mut sums = vec![0_u128; splits.len() * classes.len()];
        let of = |index: usize| several.drawn(index, &look.cells, &drawn);
        out.ordered(manifest.batches(), of, |_, _, more| {
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
            Ok(())
        })?;
        several.tell(&classes, &sums, &mut said.splits);
        for ((split, there), before) in said.splits.iter_mut().zip(&there).zip(before) {
            if *there < before {
                let (rows, place) = (before - there, split.place());
                out.note(format!("{rows} rows{place} of classes that have no share are dropped"))?;
            }
            let quota = params.size.unwrap_or(*there);
            split.drawn = quota.min(*there);
            split.distinct = split.drawn;
            split.short = quota - split.drawn;
            if split.short > 0 {
                let (drawn, place) = (split.drawn, split.place());
                let message = format!("{drawn} rows{place} where {quota} are to be drawn");
                if params.on_short == OnShort::Fail {
                    return Err(Error::params("on_short", message));
                }
                out.note(format!("there are only {message}"))?;
            }
        }
        let by = match params.mode {
            Mode::Weights => By::Several { several: &several, rows: there },
            _ => By::Draws { times: vec![0; splits.len()], more: drawn },
        };
        Answers { params, manifest, look: &look, by: &by }.give(said, out)
    }
}

/// Whether a row goes on as it is.
fn untouched(cell: u32) -> bool {
    cell == UNTOUCHED
}
