//! Components to splits: greedily, or each by its hash.

use super::counts::Counts;
use super::improve::improve;

/// Stands for a component that has no split yet.
pub const OPEN: u8 = u8::MAX;

/// How far what each split has is from what it should have: see the formula on the page of
/// [`super::Params`].
pub(super) struct State<'a> {
    pub counts: &'a Counts,
    pub shares: &'a [f64],
    /// 1 by the share of each split.
    inverse: Vec<f64>,
    /// What a class weighs: 1 by the number of its column's classes and the square of its own number.
    weights: Vec<f64>,
    /// How many of a class a split has (integers), splits of one class side by side.
    have: Vec<f64>,
    /// How many it should have.
    want: Vec<f64>,
    /// The same of sizes.
    size_weight: f64,
    sizes: Vec<f64>,
    want_sizes: Vec<f64>,
    /// Components of each split.
    pub members: Vec<u32>,
}

impl<'a> State<'a> {
    fn new(counts: &'a Counts, shares: &'a [f64]) -> Self {
        let mut weights = vec![0.0; counts.totals.len()];
        for (of, classes) in counts.columns.windows(2).zip(counts.classes()) {
            for class in of[0] as usize..of[1] as usize {
                let n = counts.totals[class] as f64;
                if n > 0.0 {
                    weights[class] = 1.0 / (f64::from(classes) * n * n);
                }
            }
        }
        let all: u64 = counts.sizes.iter().map(|n| u64::from(*n)).sum();
        let all = all as f64;
        let want = counts.totals.iter().flat_map(|n| shares.iter().map(|r| r * *n as f64));
        Self {
            counts,
            shares,
            inverse: shares.iter().map(|r| 1.0 / r).collect(),
            weights,
            have: vec![0.0; counts.totals.len() * shares.len()],
            want: want.collect(),
            size_weight: if all > 0.0 { 1.0 / (all * all) } else { 0.0 },
            sizes: vec![0.0; shares.len()],
            want_sizes: shares.iter().map(|r| r * all).collect(),
            members: vec![0; shares.len()],
        }
    }

    /// By how much the sum of the formula changes when a component is added to each of the splits.
    pub fn costs(&self, component: usize, costs: &mut [f64]) {
        let splits = costs.len();
        let n = f64::from(self.counts.sizes[component]);
        for ((cost, have), want) in costs.iter_mut().zip(&self.sizes).zip(&self.want_sizes) {
            *cost = self.size_weight * n * (2.0 * (have - want) + n);
        }
        for (class, n) in self.counts.of_component(component) {
            let (class, n) = (*class as usize, f64::from(*n));
            let weight = self.weights[class] * n;
            let of = class * splits..(class + 1) * splits;
            let filled = self.have[of.clone()].iter().zip(&self.want[of]);
            for (cost, (have, want)) in costs.iter_mut().zip(filled) {
                *cost += weight * (2.0 * (have - want) + n);
            }
        }
        for (cost, inverse) in costs.iter_mut().zip(&self.inverse) {
            *cost *= inverse;
        }
    }

    /// By how much it changes when a split gets one component for another, or one less, or one more.
    pub fn change(&self, split: usize, comes: Option<usize>, goes: Option<usize>) -> f64 {
        let none: &[(u32, u32)] = &[];
        let cells = |of: Option<usize>| of.map_or(none, |c| self.counts.of_component(c));
        let size = |of: Option<usize>| of.map_or(0.0, |c| f64::from(self.counts.sizes[c]));
        let n = size(comes) - size(goes);
        let mut sum =
            self.size_weight * n * (2.0 * (self.sizes[split] - self.want_sizes[split]) + n);
        let (mut a, mut b) = (cells(comes), cells(goes));
        loop {
            let (class, n) = match (a, b) {
                ([(class, n), rest @ ..], [other, ..]) if class < &other.0 => {
                    a = rest;
                    (*class, f64::from(*n))
                }
                ([one, ..], [(class, n), rest @ ..]) if class < &one.0 => {
                    b = rest;
                    (*class, -f64::from(*n))
                }
                ([(class, n), more @ ..], [(_, m), rest @ ..]) => {
                    (a, b) = (more, rest);
                    (*class, f64::from(*n) - f64::from(*m))
                }
                ([(class, n), rest @ ..], []) => {
                    a = rest;
                    (*class, f64::from(*n))
                }
                ([], [(class, n), rest @ ..]) => {
                    b = rest;
                    (*class, -f64::from(*n))
                }
                ([], []) => break,
            };
            let at = class as usize * self.shares.len() + split;
            sum += self.weights[class as usize] * n * (2.0 * (self.have[at] - self.want[at]) + n);
        }
        sum * self.inverse[split]
    }

    /// Adds a component to a split.
    pub fn put(&mut self, component: usize, split: usize) {
        self.fill(component, split, 1.0);
        self.members[split] += 1;
    }

    /// Takes a component out of a split.
    pub fn take(&mut self, component: usize, split: usize) {
        self.fill(component, split, -1.0);
        self.members[split] -= 1;
    }

    fn fill(&mut self, component: usize, split: usize, sign: f64) {
        self.sizes[split] += sign * f64::from(self.counts.sizes[component]);
        for (class, n) in self.counts.of_component(component) {
            self.have[*class as usize * self.shares.len() + split] += sign * f64::from(*n);
        }
    }

    /// The sum of the formula as it stands.
    #[cfg(test)]
    pub fn sum(&self) -> f64 {
        let splits = self.shares.len();
        let of = |have: &[f64], want: &[f64], weight: f64| -> f64 {
            let each = have.iter().zip(want).zip(&self.inverse);
            each.map(|((have, want), inverse)| weight * inverse * (have - want) * (have - want))
                .sum()
        };
        let classes = self.have.chunks(splits).zip(self.want.chunks(splits)).zip(&self.weights);
        classes.map(|((have, want), weight)| of(have, want, *weight)).sum::<f64>()
            + of(&self.sizes, &self.want_sizes, self.size_weight)
    }
}

/// The split of each component, so that splits come near to their shares. `fixed` has the split of components that have
/// one already, [`OPEN`] for the others; `ranks` a keyed hash of each component's name. At most 255 splits.
pub fn assign(counts: &Counts, shares: &[f64], ranks: &[u64], fixed: Vec<u8>) -> Vec<u8> {
    let mut splits = fixed;
    let mut state = State::new(counts, shares);
    let classes = counts.classes();
    let mut keyed: Vec<(u64, u32, u32)> = Vec::new();
    for (component, split) in splits.iter().enumerate() {
        if *split != OPEN {
            state.put(component, *split as usize);
            continue;
        }
        // Those that do not fit in 64 bits are giants, and by size.
        let variance = counts.variance(component, &classes);
        let variance = u64::try_from(variance).unwrap_or(u64::MAX);
        keyed.push((variance, counts.sizes[component], component as u32));
    }
    keyed.sort_unstable_by(|a, b| {
        let rank = |key: &(u64, u32, u32)| (ranks[key.2 as usize], key.2);
        (b.0, b.1).cmp(&(a.0, a.1)).then_with(|| rank(a).cmp(&rank(b)))
    });
    let order: Vec<u32> = keyed.into_iter().map(|(_, _, component)| component).collect();
    let mut costs = vec![0.0; shares.len()];
    for component in &order {
        let component = *component as usize;
        state.costs(component, &mut costs);
        let split = least(&costs, ranks[component]);
        state.put(component, split);
        splits[component] = split as u8;
    }
    fill_empty(&mut state, &order, &mut splits);
    improve(&mut state, &order, &mut splits);
    splits
}

/// The least of some costs; of equal ones, that which the hash says.
fn least(costs: &[f64], rank: u64) -> usize {
    let lowest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let equal = costs.iter().filter(|cost| **cost == lowest).count().max(1) as u64;
    let wanted = (rank % equal) as usize;
    let mut lowest = costs.iter().enumerate().filter(|(_, cost)| **cost == lowest);
    lowest.nth(wanted).map_or(0, |(split, _)| split)
}

/// Gives a split that has no component the one whose move costs least, where another split can spare it.
fn fill_empty(state: &mut State<'_>, order: &[u32], splits: &mut [u8]) {
    for empty in 0..state.shares.len() {
        if state.members[empty] > 0 {
            continue;
        }
        let mut best: Option<(f64, usize)> = None;
        for component in order.iter().map(|c| *c as usize) {
            let from = splits[component] as usize;
            if state.members[from] < 2 {
                continue;
            }
            let cost = state.change(from, None, Some(component))
                + state.change(empty, Some(component), None);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, component));
            }
        }
        let Some((_, component)) = best else { continue };
        state.take(component, splits[component] as usize);
        state.put(component, empty);
        splits[component] = empty as u8;
    }
}

/// The split of each component by its own hash alone: that in whose part of [0, 1) it lies.
pub fn assign_by_hash(shares: &[f64], ranks: &[u64], fixed: Vec<u8>) -> Vec<u8> {
    let mut sum = 0.0;
    let ends: Vec<u64> = shares
        .iter()
        .map(|share| {
            sum += share;
            // 53 bits of a share are exact.
            (sum * 9_007_199_254_740_992.0) as u64
        })
        .collect();
    let last = shares.len().saturating_sub(1);
    let split = |rank: u64| ends[..last].iter().take_while(|end| rank >> 11 >= **end).count();
    let mut splits = fixed;
    for (open, rank) in splits.iter_mut().zip(ranks).filter(|(split, _)| **split == OPEN) {
        *open = split(*rank) as u8;
    }
    splits
}

#[cfg(test)]
mod tests {
    use super::super::counts::Column;
    use super::*;

    fn ranks(count: u64) -> Vec<u64> {
        (0..count).map(|n| (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect()
    }

    #[test]
    fn what_a_change_is_said_to_cost_it_costs() {
        let components: Vec<u32> = (0..500).map(|n| n * n % 23).collect();
        let codes: Vec<u32> = (0..500).map(|n| n * 7 % 11 % 4).collect();
        let column = Column { codes: &codes, classes: 4 };
        let counts = Counts::of(&components, 23, &[column], false);
        let shares = [0.5, 0.3, 0.2];
        let mut state = State::new(&counts, &shares);
        (0..22).for_each(|component| state.put(component, component % 3));
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let before = state.sum();
        let mut costs = [0.0; 3];
        state.costs(22, &mut costs);
        near(costs[1], state.change(1, Some(22), None));
        let swapped = state.change(0, Some(1), Some(0)) + state.change(1, Some(0), Some(1));
        state.put(22, 1);
        near(state.sum() - before, costs[1]);
        state.take(22, 1);
        near(state.sum(), before);
        (state.take(0, 0), state.take(1, 1), state.put(0, 1), state.put(1, 0));
        near(state.sum() - before, swapped);
    }

    #[test]
    fn what_is_fixed_stays_and_no_split_is_empty_that_need_not_be() {
        let counts = Counts::of(&[0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2], 3, &[], false);
        let shares = [0.7, 0.15, 0.15];
        let mut found = assign(&counts, &shares, &ranks(3), vec![OPEN; 3]);
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2]);
        let fixed = vec![2, 2, OPEN];
        assert_eq!(assign(&counts, &shares, &ranks(3), fixed)[..2], [2, 2]);
        assert!(assign(&Counts::default(), &shares, &[], Vec::new()).is_empty());
    }

    #[test]
    fn hashes_fill_splits_by_their_ratios() {
        let found = assign_by_hash(&[0.7, 0.2, 0.1], &ranks(100_000), vec![OPEN; 100_000]);
        let of = |split: u8| found.iter().filter(|s| **s == split).count() as f64 / 1e5;
        assert!((of(0) - 0.7).abs() < 0.01 && (of(1) - 0.2).abs() < 0.01, "{} {}", of(0), of(1));
        assert_eq!(assign_by_hash(&[0.5, 0.5], &[0, u64::MAX], vec![OPEN; 2]), [0, 1]);
    }
}
