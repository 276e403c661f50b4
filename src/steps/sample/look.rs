//! The first look at a manifest: for each row a few numbers, and nothing else is kept.

use super::draw::{DROPPED, MOST_CELLS, UNTOUCHED};
use super::params::{Params, Unlabelled};
use super::several;
use super::spacing::NOWHERE;
use super::target::shown;
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{Batch, Kind, NULL, Schema};
use crate::random::rank;
use crate::step::{Manifest, Out};
use crate::steps::codes::{Classes, Coded, Merged};

/// Columns that say where a patch lies.
pub const PLACE: [&str; 2] = ["tile.x_px", "tile.y_px"];
/// The column that says of which slide a patch is.
pub const SLIDE: &str = "tile.source_id";

/// A column of numbers, whole or not.
pub fn numbers(batch: &Batch, schema: &Schema, name: &str) -> Result<Vec<Option<f64>>> {
    Ok(match schema.kind(name) {
        Some(Kind::Int) => batch.ints(name)?.map(|v| v.map(|v| v as f64)).collect(),
        _ => batch.floats(name)?.collect(),
    })
}

/// The rank of each row of a batch.
pub fn ranks(batch: &Batch, seed: u64) -> Result<Vec<u64>> {
    Ok(crate::random::ranks(seed, &batch.digests()?))
}

/// The key by which a row of this weight is drawn (Efraimidis and Spirakis): −ln(u)/w as the bits
/// of a float, which are ordered as it is. Rows without a weight come after all others.
pub fn key_of(rank: u64, weight: Option<f64>) -> u64 {
    match weight.filter(|weight| *weight > 0.0) {
        // 52 bits and a half: never 0 and never 1.
        Some(weight) => {
            let u = ((rank >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
            (-libm::log(u) / weight).to_bits()
        }
        None => 1 << 63 | rank >> 1,
    }
}

/// What was seen.
pub struct Look {
    /// The splits that are balanced; `None`: all rows, of which none has a split.
    pub splits: Vec<Option<String>>,
    /// All classes, sorted.
    pub classes: Vec<String>,
    /// The cell of each row: number of its split · number of classes + number of its class
    /// ([`Params::several`]: of its split alone), or [`UNTOUCHED`], [`DROPPED`].
    pub cells: Vec<u32>,
    /// By what it is drawn.
    pub keys: Vec<u64>,
    /// Columns of caps, levels and slides.
    pub columns: Vec<(String, Merged)>,
    /// Where each patch lies, where that matters.
    pub points: Vec<[f64; 2]>,
    /// Rows of each split.
    pub rows: Vec<u64>,
    /// Those of them without a class.
    pub unlabelled: Vec<u64>,
}

/// What was seen of one batch.
struct Piece {
    splits: Coded,
    /// Where rows have several classes: one of them for each.
    classes: Coded,
    keys: Vec<u64>,
    columns: Vec<Coded>,
    points: Vec<[f64; 2]>,
}

/// The columns of caps, levels and slides, each once.
pub fn columns_of(params: &Params, caps: &[(String, u64)]) -> Vec<String> {
    let mut names: Vec<String> = caps.iter().map(|(name, _)| name.clone()).collect();
    names.extend(params.levels.iter().cloned());
    if params.spacing_px.is_some() {
        names.push(SLIDE.into());
    }
    names.sort();
    names.dedup();
    names
}

impl Look {
    /// Looks at all rows.
    ///
    /// # Errors
    /// [`Error::Params`] for splits that do not occur, and for rows without a class where that is an error; what reading gives.
    pub fn at<F: crate::step::Facts>(
        manifest: &Manifest,
        params: &Params,
        columns: Vec<String>,
        out: &mut Out<'_, F>,
    ) -> Result<Self> {
        if manifest.rows() > MOST_CELLS {
            let (found, most) = (manifest.rows().to_string(), MOST_CELLS.to_string());
            return Err(Error::limit("the number of rows", found, most, "sample parts of it"));
        }
        let rows = manifest.rows();
        let (mut splits, mut classes) = (Merged::with_room(rows), Merged::with_room(rows));
        let mut keys = Vec::with_capacity(rows);
        let mut points = Vec::new();
        let mut merged: Vec<Merged> = columns.iter().map(|_| Merged::with_room(rows)).collect();
        let piece = |index: usize| piece(manifest, params, &columns, index);
        out.ordered(manifest.batches(), piece, |_, _, piece| {
            splits.push(&piece.splits);
            classes.push(&piece.classes);
            keys.extend_from_slice(&piece.keys);
            points.extend_from_slice(&piece.points);
            merged.iter_mut().zip(&piece.columns).for_each(|(to, from)| to.push(from));
            Ok(())
        })?;
        let columns = columns.into_iter().zip(merged).collect();
        let empty = Vec::new();
        let look = Self {
            splits: vec![None],
            classes: empty,
            cells: Vec::new(),
            keys,
            columns,
            points,
            rows: Vec::new(),
            unlabelled: Vec::new(),
        };
        look.resolve(params, &splits, classes)
    }

    /// Puts splits and classes together.
    fn resolve(mut self, params: &Params, splits: &Merged, classes: Merged) -> Result<Self> {
        let there = splits.words.all();
        // Which of the splits that are balanced each code is.
        let mut of_split = vec![NULL; there.len()];
        if !there.is_empty() || (params.splits != ["train"] && !splits.codes.is_empty()) {
            self.splits.clear();
            for name in &params.splits {
                let Some(code) = there.iter().position(|word| **word == **name) else {
                    let mut there: Vec<String> = there.iter().map(|name| shown(name)).collect();
                    there.sort();
                    there.truncate(20);
                    let there = match there.is_empty() {
                        true => "no row has a split".to_string(),
                        false => format!("there are {}", there.join(", ")),
                    };
                    let message = format!("no row has the split {}; {there}", shown(name));
                    return Err(Error::params("splits", message));
                };
                of_split[code] = self.splits.len() as u32;
                self.splits.push(Some(name.clone()));
            }
        }
        let whole = self.splits == [None];
        let Classes { names, codes: mut cells } = classes.sorted();
        self.classes = names.iter().map(ToString::to_string).collect();
        let per_split = if params.several() { 1 } else { self.classes.len() };
        if per_split.saturating_mul(self.splits.len()) > MOST_CELLS {
            let found = format!("{per_split} in {} splits", self.splits.len());
            let most = MOST_CELLS.to_string();
            return Err(Error::limit("the number of classes", found, most, "name fewer splits"));
        }
        let without = if params.unlabelled == Unlabelled::Keep { UNTOUCHED } else { DROPPED };
        self.rows = vec![0; self.splits.len()];
        self.unlabelled = vec![0; self.splits.len()];
        for (cell, split) in cells.iter_mut().zip(&splits.codes) {
            let split = match whole {
                true => 0,
                false => of_split.get(*split as usize).copied().unwrap_or(NULL),
            };
            let Some(rows) = self.rows.get_mut(split as usize) else {
                *cell = UNTOUCHED;
                continue;
            };
            *rows += 1;
            *cell = match *cell {
                NULL => {
                    self.unlabelled[split as usize] += 1;
                    without
                }
                _ if params.several() => split,
                class => split * per_split as u32 + class,
            };
        }
        self.cells = cells;
        let missing = self.unlabelled.iter().sum::<u64>();
        if params.unlabelled == Unlabelled::Fail && missing > 0 {
            let column = shown(params.soft.as_deref().unwrap_or(&params.label_column));
            let message = format!("{missing} rows that are to be drawn from have no {column}");
            return Err(Error::params("unlabelled", message));
        }
        Ok(self)
    }

    /// The numbers of a column.
    pub fn column(&self, name: &str) -> Result<&Merged> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        let found = found.map(|(_, merged)| merged);
        found.ok_or_else(|| Error::Bug { message: format!("`{name}` was not looked at") })
    }
}

fn piece(manifest: &Manifest, params: &Params, columns: &[String], index: usize) -> Result<Piece> {
    let schema = manifest.schema();
    let mut names: Vec<&str> = vec!["digest", "split"];
    names.extend(columns.iter().map(String::as_str));
    let places = params.spacing_px.map_or(&[][..], |_| &PLACE[..]);
    names.extend(places);
    names.extend(params.hard.as_deref());
    let soft = several::columns(params, schema);
    match params.soft {
        Some(_) => names.extend(soft.iter().map(String::as_str)),
        None => names.push(&params.label_column),
    }
    names.sort_unstable();
    names.dedup();
    let batch = manifest.batch(index, &names)?;
    let mut keys = ranks(&batch, params.seed)?;
    if let Some(hard) = &params.hard {
        let weights = numbers(&batch, schema, hard)?;
        keys.iter_mut().zip(weights).for_each(|(key, weight)| *key = key_of(*key, weight));
    }
    let mut points = Vec::new();
    if let [x, y] = places {
        let (xs, ys) = (numbers(&batch, schema, x)?, numbers(&batch, schema, y)?);
        let point = |(x, y): (Option<f64>, Option<f64>)| match (x, y) {
            (Some(x), Some(y)) if x.is_finite() && y.is_finite() => [x, y],
            _ => NOWHERE,
        };
        points = xs.into_iter().zip(ys).map(point).collect();
    }
    let coded = |name: &str| {
        let kind = schema.kind(name).unwrap_or(Kind::Text);
        Coded::of(&batch, kind, name)
    };
    let classes = match params.several() {
        false => coded(&params.label_column)?,
        true => several::seen(params, schema, &batch, &soft)?,
    };
    let columns = columns.iter().map(|name| coded(name)).collect::<Result<_>>()?;
    Ok(Piece { splits: coded("split")?, classes, keys, columns, points })
}

/// For rows by place, numbers that order those with equal digests: a keyed hash of their ids.
///
/// # Errors
/// What reading gives.
pub fn of_ids(manifest: &Manifest, seed: u64, rows: &[u32]) -> Result<Vec<u128>> {
    let mut in_order: Vec<(usize, usize)> =
        rows.iter().enumerate().map(|(place, row)| (*row as usize, place)).collect();
    in_order.sort_unstable();
    let mut found = vec![0; rows.len()];
    let mut from: Option<(usize, Batch)> = None;
    for (row, place) in in_order {
        let index = row / crate::manifest::BATCH_ROWS;
        let batch = match &from {
            Some((held, batch)) if *held == index => batch,
            _ => &from.insert((index, manifest.batch(index, &["id"])?)).1,
        };
        let id = batch.text("id")?.get(row - batch.first_row());
        let digest = Digest::of(id.unwrap_or_default().as_bytes());
        let [a, b, ..] = *digest.as_bytes().as_chunks::<8>().0 else { continue };
        let (high, low) =
            (rank(seed, digest.as_bytes()), u64::from_le_bytes(a) ^ u64::from_le_bytes(b));
        found[place] = u128::from(high) << 64 | u128::from(low);
    }
    Ok(found)
}
