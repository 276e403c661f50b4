//! Caps and spacing: fewer rows of what shows the same.

use super::Sample;
use super::draw::{self, Bits, DROPPED};
use super::findings::{self, Findings, OfCap, OfSpacing};
use super::look::{Look, SLIDE, of_ids};
use super::params::Params;
use super::spacing;
use crate::error::Result;
use crate::step::Manifest;

impl Sample {
    /// Caps and spacing, one after the other.
    pub(super) fn thin(
        &self,
        manifest: &Manifest,
        look: &mut Look,
        said: &mut Findings,
    ) -> Result<()> {
        let Params { seed, spacing_px, .. } = self.params;
        let mut ties = |rows: &[u32]| of_ids(manifest, seed, rows);
        let per_split = if self.params.several() { 1 } else { look.classes.len() } as u32;
        let splits_of = |cells: &[u32]| -> Vec<u32> {
            let split = |cell: &u32| if *cell < DROPPED { cell / per_split.max(1) } else { *cell };
            cells.iter().map(split).collect()
        };
        let within = self.plan.cap.iter().map(|cap| (cap, true));
        for ((column, most), within_classes) in
            within.chain(self.plan.cap_all.iter().map(|cap| (cap, false)))
        {
            let values = &look.column(column)?.codes;
            let kept = match within_classes {
                true => draw::cap(&look.cells, values, &look.keys, *most, &mut ties)?,
                false => draw::cap(&splits_of(&look.cells), values, &look.keys, *most, &mut ties)?,
            };
            let in_cell = look.cells.iter().zip(values).filter(|(cell, _)| **cell < DROPPED);
            let without_value = in_cell.filter(|(_, value)| **value >= DROPPED).count() as u64;
            let (column, most) = (findings::cut(column), *most);
            let removed = drop_others(&mut look.cells, &kept);
            said.caps.push(OfCap { column, within_classes, most, removed, without_value });
        }
        if let Some(spacing_px) = spacing_px {
            let slides = &look.column(SLIDE)?.codes;
            // Each split alone; a row without a slide has no neighbour.
            let (numbers, found) = draw::pairs(&splits_of(&look.cells), slides)?;
            let slide = |number: &u32| match found.get(*number as usize) {
                Some((_, slide)) if *slide < DROPPED => *number,
                _ => DROPPED,
            };
            let slides: Vec<u32> = numbers.iter().map(slide).collect();
            let kept = spacing::apart(&slides, &look.points, &look.keys, spacing_px, &mut ties)?;
            let placed = slides.iter().zip(&look.points);
            let in_cell = look.cells.iter().zip(placed).filter(|(cell, _)| **cell < DROPPED);
            let without_place = in_cell
                .filter(|(_, (slide, point))| **slide >= DROPPED || **point == spacing::NOWHERE)
                .count() as u64;
            let removed = drop_others(&mut look.cells, &kept);
            said.spacing = Some(OfSpacing { spacing_px, removed, without_place });
            look.points = Vec::new();
        }
        Ok(())
    }
}

/// Drops rows of cells that were not kept, and counts them.
fn drop_others(cells: &mut [u32], kept: &Bits) -> u64 {
    let mut dropped = 0;
    for (row, cell) in cells.iter_mut().enumerate() {
        if *cell < DROPPED && !kept.get(row) {
            *cell = DROPPED;
            dropped += 1;
        }
    }
    dropped
}
