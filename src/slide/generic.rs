//! Any other TIFF: its first page is level 0; smaller copies of it, when there are any, are the other
//! levels.
//!
//! OpenSlide's "generic-tiff" takes the tiled pages that NewSubfileType calls reduced, masks included.
//! Here masks are left out (bit 2; they lie between the levels of cloud-optimised TIFFs), a level must
//! have the aspect of level 0, and tiled pages of half, a quarter, … the size are levels even when the
//! writer did not say so. A TIFF in strips is a slide of one level.
//!
//! The resolution is what the file says, be it 72 dpi (352.8 µm per pixel): whoever wants microscopy
//! must judge whether it can be true.

use super::tiff::{Page, Plan};

const REDUCED: u64 = 1;
const MASK: u64 = 4;

/// Says which pages are levels. The first page always is one.
pub fn recognise(pages: &[Page]) -> Plan {
    let mut levels = vec![0];
    if let Some(base) = pages.first().filter(|base| base.tiled) {
        let mut smaller: Vec<usize> =
            (1..pages.len()).filter(|&i| is_level(base, &pages[i])).collect();
        smaller.sort_by_key(|&i| std::cmp::Reverse(pages[i].width_px));
        smaller.dedup_by_key(|&mut i| pages[i].width_px);
        levels.extend(smaller);
    }
    Plan {
        vendor: "generic-tiff",
        levels,
        associated: Vec::new(),
        mpp: pages.first().and_then(|page| page.mpp),
        objective: None,
    }
}

fn is_level(base: &Page, page: &Page) -> bool {
    if !page.tiled || page.subfile_type & MASK != 0 || page.width_px >= base.width_px {
        return false;
    }
    // Exact integers: how far the height is from what the width asks for, in rows. Writers round up
    // or down at each halving, hence two rows, or one in a hundred.
    let (w0, h0) = (u64::from(base.width_px), u64::from(base.height_px));
    let (w, h) = (u64::from(page.width_px), u64::from(page.height_px));
    let same_aspect = (h * w0).abs_diff(h0 * w) <= w0 * (h / 100).max(2);
    // The nearest power of two that divides the width, again up to two columns.
    let halved = (1..32).any(|k| (w << k).abs_diff(w0) <= 2 << k);
    same_aspect && (page.subfile_type & REDUCED != 0 || halved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width_px: u32, height_px: u32, subfile_type: u64) -> Page {
        Page {
            width_px,
            height_px,
            tiled: true,
            subfile_type,
            description: None,
            mpp: None,
            compression: "jpeg".into(),
            ndpi: false,
        }
    }

    fn levels(pages: &[Page]) -> Vec<usize> {
        recognise(pages).levels
    }

    #[test]
    fn masks_between_levels_are_left_out() {
        let pages = [page(1024, 512, 0), page(1024, 512, 4), page(512, 256, 1), page(512, 256, 5)];
        assert_eq!(levels(&pages), [0, 2]);
    }

    #[test]
    fn rounding_up_and_down_is_forgiven() {
        let pages =
            [page(10_001, 5003, 0), page(5000, 2501, 1), page(2501, 1250, 1), page(1250, 626, 1)];
        assert_eq!(levels(&pages), [0, 1, 2, 3]);
    }

    #[test]
    fn halves_are_levels_also_when_nobody_says_so() {
        assert_eq!(levels(&[page(1000, 500, 0), page(500, 250, 0), page(250, 125, 0)]), [0, 1, 2]);
    }

    #[test]
    fn other_pictures_are_no_levels() {
        // Another aspect; the same size; a third without a word; larger than the first.
        let pages = [
            page(1000, 500, 0),
            page(500, 400, 1),
            page(1000, 500, 1),
            page(333, 166, 0),
            page(2000, 1000, 0),
        ];
        assert_eq!(levels(&pages), [0]);
        let mut strips = page(1000, 500, 0);
        strips.tiled = false;
        assert_eq!(levels(&[strips, page(500, 250, 1)]), [0]);
    }
}
