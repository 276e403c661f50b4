//! Patches of a slide that lie too near to one that is drawn before them.

use std::collections::HashMap;

use super::draw::{Bits, DROPPED, Ties};
use crate::error::Result;

/// A patch without a place.
pub const NOWHERE: [f64; 2] = [f64::INFINITY, f64::INFINITY];

/// The rows that keep `spacing_px` from each other: those of one (split and) slide are taken in the
/// order of their keys, and each is left out that lies nearer than that, as the crow flies, to one
/// that was taken. Rows without a slide or a place are taken. A grid of squares as wide as the
/// spacing finds the neighbours.
///
/// # Errors
/// Those of `ties`.
pub fn apart(
    slides: &[u32],
    points: &[[f64; 2]],
    keys: &[u64],
    spacing_px: f64,
    ties: &mut Ties<'_>,
) -> Result<Bits> {
    let mut taken = Bits::none(slides.len());
    let mut in_order: Vec<(u32, u64, u32)> = Vec::new();
    for (row, ((slide, point), key)) in slides.iter().zip(points).zip(keys).enumerate() {
        match *slide < DROPPED && *point != NOWHERE {
            true => in_order.push((*slide, *key, row as u32)),
            false => taken.set(row),
        }
    }
    in_order.sort_unstable();
    settle(&mut in_order, ties)?;
    let square = |at: f64| (at / spacing_px).floor() as i64;
    let mut grid: HashMap<(i64, i64), Vec<[f64; 2]>> = HashMap::new();
    let mut last = DROPPED;
    for (slide, _, row) in in_order {
        if slide != last {
            grid.clear();
            last = slide;
        }
        let [x, y] = points[row as usize];
        let (column, line) = (square(x), square(y));
        let near = |[x2, y2]: &[f64; 2]| {
            let (dx, dy) = (x - x2, y - y2);
            dx * dx + dy * dy < spacing_px * spacing_px
        };
        let mut around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy)));
        let free = !around.any(|(dx, dy)| {
            let at = (column.saturating_add(dx), line.saturating_add(dy));
            grid.get(&at).is_some_and(|points| points.iter().any(near))
        });
        if free {
            grid.entry((column, line)).or_default().push([x, y]);
            taken.set(row as usize);
        }
    }
    Ok(taken)
}

/// Puts rows with equal keys of one slide into an order that does not depend on their places.
fn settle(in_order: &mut [(u32, u64, u32)], ties: &mut Ties<'_>) -> Result<()> {
    let same = |a: &(u32, u64, u32), b: &(u32, u64, u32)| (a.0, a.1) == (b.0, b.1);
    let tied: Vec<u32> = in_order
        .chunk_by(same)
        .filter(|rows| rows.len() > 1)
        .flat_map(|rows| rows.iter().map(|(_, _, row)| *row))
        .collect();
    if tied.is_empty() {
        return Ok(());
    }
    let order: HashMap<u32, u128> = tied.iter().copied().zip(ties(&tied)?).collect();
    for rows in in_order.chunk_by_mut(same).filter(|rows| rows.len() > 1) {
        rows.sort_by_key(|(_, _, row)| order.get(row));
    }
    Ok(())
}
