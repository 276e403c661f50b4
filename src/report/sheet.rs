//! Which items stand on the contact sheet: few, the same every time, from as many sources as there
//! are.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::manifest::Item;

/// Most pictures on the sheet, and most sources that they are taken from.
pub const MOST_PICTURES: usize = 48;

/// An item that was picked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// Row of the manifest.
    pub row: u64,
    /// The item.
    pub item: Item,
    /// The file that it was made from, or its own id.
    pub name: String,
    /// What to say under it.
    pub caption: Vec<String>,
}

/// Draws items as their rows go by.
///
/// Digests are evenly spread, so the items with the smallest ones are a fair draw that no order of
/// rows, no thread and no clock has a part in. The draw is made per source first: a slide with
/// 50,000 patches does not push one with 50 out. Equal pictures are drawn once. Sources, and items of
/// each, are bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw<T> {
    most_sources: usize,
    most_items: usize,
    sources: BTreeMap<Digest, BTreeMap<Digest, T>>,
    current: Option<(String, Digest)>,
}

/// The contact sheet: items of at most [`MOST_PICTURES`] sources, and at most as many of each.
pub type Sheet = Draw<Sight>;

impl<T> Draw<T> {
    /// Nothing drawn yet; at most so many sources, and so many items of each.
    pub fn new(most_sources: usize, most_items: usize) -> Self {
        Self { most_sources, most_items, sources: BTreeMap::new(), current: None }
    }

    /// Offers an item; `drawn` is asked for only when the item is drawn.
    pub fn offer(&mut self, source: &str, digest: &Digest, drawn: impl FnOnce() -> T) {
        let rank = match &self.current {
            Some((name, rank)) if name == source => *rank,
            _ => {
                let rank = Digest::of(source.as_bytes());
                self.current = Some((source.to_string(), rank));
                rank
            }
        };
        if !self.sources.contains_key(&rank) {
            if self.sources.len() >= self.most_sources {
                match self.sources.last_key_value() {
                    Some((last, _)) if rank < *last => self.sources.pop_last(),
                    _ => return,
                };
            }
            self.sources.insert(rank, BTreeMap::new());
        }
        let Some(items) = self.sources.get_mut(&rank) else { return };
        let is_full = items.len() >= self.most_items;
        // Most rows of many end here.
        if is_full && items.last_key_value().is_none_or(|(last, _)| digest >= last) {
            return;
        }
        if items.contains_key(digest) {
            return;
        }
        if is_full {
            items.pop_last();
        }
        items.insert(*digest, drawn());
    }

    /// What was drawn, source by source.
    pub fn sources(&self) -> impl Iterator<Item = impl Iterator<Item = &T>> {
        self.sources.values().map(BTreeMap::values)
    }
}

impl Default for Sheet {
    fn default() -> Self {
        Self::new(MOST_PICTURES, MOST_PICTURES)
    }
}

impl Sheet {
    /// Most items of each of so many classes, so that all together are no more than [`MOST_PICTURES`].
    pub fn most_of_each(classes: usize) -> usize {
        (MOST_PICTURES / classes.max(1)).clamp(1, 8)
    }

    /// The items of the sheet, in the manifest's order: the first of each source, then the second,
    /// and so on until `most` are there.
    pub fn pick(&self, most: usize) -> Vec<&Sight> {
        let mut lists: Vec<_> = self.sources().collect();
        let mut picked = Vec::new();
        while picked.len() < most {
            let before = picked.len();
            for list in &mut lists {
                if picked.len() < most {
                    picked.extend(list.next());
                }
            }
            if picked.len() == before {
                break;
            }
        }
        picked.sort_by_key(|sight: &&Sight| sight.row);
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str) -> Item {
        Item {
            id: id.into(),
            path: id.into(),
            offset: None,
            length: 1,
            digest: Digest::of(id.as_bytes()),
            media_type: "image/png".into(),
            width_px: None,
            height_px: None,
            label: None,
            group: None,
            split: None,
            weight: None,
            trail: String::new(),
            facts: Vec::new(),
        }
    }

    fn sheet(rows: &[(&str, Item)]) -> Vec<String> {
        let mut sheet = Sheet::default();
        for (row, (source, item)) in rows.iter().enumerate() {
            let sight = || Sight {
                row: row as u64,
                item: item.clone(),
                name: String::new(),
                caption: vec![],
            };
            sheet.offer(source, &item.digest, sight);
        }
        sheet.pick(4).into_iter().map(|s| s.item.id.clone()).collect()
    }

    #[test]
    fn a_small_slide_keeps_its_place_beside_a_large_one() {
        let many: Vec<_> = (0..500).map(|n| ("large", item(&format!("large/{n}")))).collect();
        let few: Vec<_> = (0..2).map(|n| ("small", item(&format!("small/{n}")))).collect();
        let rows = [many.clone(), few.clone()].concat();
        let picked = sheet(&rows);
        assert_eq!(picked.iter().filter(|id| id.starts_with("small")).count(), 2);
        assert_eq!(picked.iter().filter(|id| id.starts_with("large")).count(), 2);
        // Rows in another order: the same pictures.
        let mut turned = sheet(&[few, many].concat());
        let mut same = picked.clone();
        turned.sort();
        same.sort();
        assert_eq!(turned, same);
    }

    #[test]
    fn equal_pictures_are_shown_once_and_many_sources_are_bounded() {
        let mut twin = item("a");
        twin.id = "b".into();
        assert_eq!(sheet(&[("s", item("a")), ("s", twin)]), ["a"]);
        let mut sheet = Sheet::default();
        for n in 0..1000 {
            let (source, item) = (format!("slide {n}"), item(&n.to_string()));
            sheet.offer(&source, &item.digest, || Sight {
                row: n,
                item: item.clone(),
                name: String::new(),
                caption: vec![],
            });
        }
        assert_eq!(sheet.sources.len(), MOST_PICTURES);
        assert_eq!(sheet.pick(1000).len(), MOST_PICTURES);
        assert_eq!(sheet.pick(0).len(), 0);
    }
}
