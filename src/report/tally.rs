//! Counting in bounded memory: integers only, so that no order of rows can change a picture.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most different words that a [`Tally`] tells apart; what comes after is counted as "others".
const MOST_WORDS: usize = 100_000;

/// Counts of values in bins of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Lower end of the first bin.
    pub low: f64,
    /// Upper end of the last bin; a value that equals it falls into the last bin.
    pub high: f64,
    /// Values per bin.
    pub bins: Vec<u64>,
    /// Sum of all values in millionths of the range, for the mean.
    sum_ppm: u64,
}

impl Histogram {
    /// No values yet, `bins` bins from `low` to `high`.
    pub fn new(low: f64, high: f64, bins: usize) -> Self {
        Self { low, high, bins: vec![0; bins.max(1)], sum_ppm: 0 }
    }

    /// Counts a value; those outside the range are put at its nearer end, NaN is not counted.
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let bin = (share * self.bins.len() as f64) as usize;
        let bin = bin.min(self.bins.len() - 1);
        self.bins[bin] += 1;
        self.sum_ppm = self.sum_ppm.saturating_add((share * 1e6 + 0.5) as u64);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Mean of the values, to a millionth of the range; `None` without values.
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        let share = || self.sum_ppm as f64 / count as f64 / 1e6;
        (count > 0).then(|| self.low + share() * (self.high - self.low))
    }

    /// Lower end of a bin (the upper end of the one before it).
    pub fn edge(&self, bin: usize) -> f64 {
        self.low + (self.high - self.low) * bin as f64 / self.bins.len() as f64
    }
}

/// How often each word occurs, and how many bytes stand behind it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    words: BTreeMap<String, (u64, u64)>,
    others: (u64, u64),
    without: u64,
}

/// One word of a [`Tally`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The word.
    pub word: String,
    /// Items that carry it.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tally {
    /// Counts an item of some bytes under a word, or under none.
    pub fn add(&mut self, word: Option<&str>, bytes: u64) {
        self.add_many(word, 1, bytes);
    }

    /// Counts items of words that are not told apart.
    pub fn add_others(&mut self, items: u64) {
        self.others.0 += items;
    }

    /// Counts items, and their bytes in all, under a word, or under none.
    pub fn add_many(&mut self, word: Option<&str>, items: u64, bytes: u64) {
        if items == 0 {
            return;
        }
        let Some(word) = word else {
            self.without += items;
            return;
        };
        let full = self.words.len() >= MOST_WORDS;
        let slot = match self.words.get_mut(word) {
            Some(slot) => slot,
            None if full => &mut self.others,
            None => self.words.entry(word.to_string()).or_default(),
        };
        slot.0 += items;
        slot.1 = slot.1.saturating_add(bytes);
    }

    /// Whether no item carried a word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Number of different words (at most 100,000 are told apart).
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// Items that carry no word.
    pub fn without(&self) -> u64 {
        self.without
    }

    /// Items that carry a word.
    pub fn items(&self) -> u64 {
        self.words.values().map(|w| w.0).sum::<u64>() + self.others.0
    }

    /// The commonest `most` words, commonest first (equal ones by name), and what is left over as
    /// (words, items).
    pub fn top(&self, most: usize) -> (Vec<Counted>, (usize, u64)) {
        let mut all: Vec<_> = self.words.iter().map(|(w, c)| (c.0, c.1, w)).collect();
        all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(b.2)));
        let rest = all.get(most..).unwrap_or_default();
        let left = (rest.len(), rest.iter().map(|w| w.0).sum::<u64>() + self.others.0);
        let top = all.iter().take(most);
        (top.map(|&(items, bytes, w)| Counted { word: w.clone(), items, bytes }).collect(), left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bin_that_begins_with_them() {
        let mut h = Histogram::new(0.0, 1.0, 4);
        // 0.25 begins the second bin; 1.0 belongs to the last; beyond the ends counts at the ends.
        for value in [0.0, 0.24, 0.25, 0.5, 0.75, 1.0, -3.0, 7.0, f64::NAN] {
            h.add(value);
        }
        assert_eq!(h.bins, [3, 1, 1, 3]);
        assert_eq!(h.count(), 8);
        // (0 + 0.24 + 0.25 + 0.5 + 0.75 + 1 + 0 + 1) / 8
        assert_eq!(h.mean(), Some(0.4675));
        assert_eq!((h.edge(0), h.edge(1), h.edge(4)), (0.0, 0.25, 1.0));
        assert_eq!(Histogram::new(0.0, 1.0, 4).mean(), None);
    }

    #[test]
    fn the_commonest_come_first_and_the_rest_is_summed() {
        let mut tally = Tally::default();
        for (word, times) in [("b", 2), ("a", 2), ("c", 5), ("d", 1)] {
            (0..times).for_each(|_| tally.add(Some(word), 10));
        }
        tally.add(None, 99);
        let (top, left) = tally.top(2);
        let c = |w: &str, n| Counted { word: w.into(), items: n, bytes: 10 * n };
        assert_eq!(top, [c("c", 5), c("a", 2)]);
        assert_eq!(left, (2, 3));
        assert_eq!((tally.words(), tally.without(), tally.items()), (4, 1, 10));
    }

    #[test]
    fn endless_words_do_not_take_endless_memory() {
        let mut tally = Tally::default();
        (0..MOST_WORDS + 7).for_each(|n| tally.add(Some(&n.to_string()), 1));
        assert_eq!(tally.words(), MOST_WORDS);
        assert_eq!(tally.top(0).1, (MOST_WORDS, MOST_WORDS as u64 + 7));
    }
}
