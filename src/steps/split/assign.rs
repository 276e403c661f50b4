//! Components to splits: greedily, or each by its hash.

use super::counts::Counts;
use super::improve::improve;

/// What all rows weigh beside one class that lies in ever so many components: when classes have their ratios, so has
/// their sum, and more weight leads the search into worse balances.
const SIZE_WEIGHT: f64 = 0.1;
/// What they weigh more for each class that lies in a single component, less by the square of how many it lies in: such
/// classes cannot have their ratios, and would all go to the largest split, where they are off least.
const BOUND_WEIGHT: f64 = 30.0;
/// How far classes may be bound, beside all rows, without that: where components are few, all classes lie in few.
const BOUND_AS_ROWS: f64 = 2.0;
/// The most that this lets pass, or beside one giant component no class would be bound.
const MOST_BOUND: f64 = 1.0 / 3.0;

/// Stands for a component that has no split yet.
pub const OPEN: u8 = u8::MAX;

/// How far what each split has is from what it should have: see the formula on the page of
/// [`super::Params`]. All that components weigh is one more class, the last.
pub(super) struct State<'a> {
    pub counts: &'a Counts,
    pub shares: &'a [f64],
    /// 1 by the share of each split.
    inverse: Vec<f64>,
    /// What the deviation of a class weighs: by the number of its column's classes, and its own number.
    weights: Vec<f64>,
    /// How many of a class a split has (integers), splits of one class side by side.
    have: Vec<f64>,
    /// How many of a class all splits have (integers).
    sums: Vec<f64>,
    /// `Σ_s (n_s − r_s n)² / r_s` of each class, n being what all splits have.
    squares: Vec<f64>,
    /// Components of each split.
    pub members: Vec<u32>,
}

impl<'a> State<'a> {
    fn new(counts: &'a Counts, shares: &'a [f64]) -> Self {
        let all = counts.totals.len();
        let mut weights = vec![0.0; all + 1];
        let mut of_sizes = 0.0;
        let floor = (BOUND_AS_ROWS * counts.bound_of_all()).min(MOST_BOUND);
        for (of, classes) in counts.columns.windows(2).zip(counts.classes()) {
            let each = 1.0 / (f64::from(classes) + 1.0);
            let of = of[0] as usize..of[1] as usize;
            let bound = of.clone().fold(0.0, |sum, class| {
                let more = (counts.bound(class) - floor).max(0.0);
                sum + more * more
            });
            of_sizes += each * (SIZE_WEIGHT + BOUND_WEIGHT * bound);
            for (weight, n) in weights[of.clone()].iter_mut().zip(&counts.totals[of]) {
                *weight = if *n > 0 { each / *n as f64 } else { 0.0 };
            }
        }
        let n: u64 = counts.sizes.iter().map(|n| u64::from(*n)).sum();
        let of_sizes = if of_sizes > 0.0 { of_sizes } else { SIZE_WEIGHT };
        weights[all] = if n > 0 { of_sizes / n as f64 } else { 0.0 };
        Self {
            counts,
            shares,
            inverse: shares.iter().map(|r| 1.0 / r).collect(),
            weights,
            have: vec![0.0; (all + 1) * shares.len()],
            sums: vec![0.0; all + 1],
            squares: vec![0.0; all + 1],
            members: vec![0; shares.len()],
        }
    }

    /// (class, how many) of a component, its size included.
    fn cells(&self, component: usize) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        let size = (self.counts.totals.len(), f64::from(self.counts.sizes[component]));
        let cells = self.counts.of_component(component).iter();
        cells.map(|(class, n)| (*class as usize, f64::from(*n))).chain([size])
    }

    /// What a class has in each split.
    fn row(&self, class: usize) -> &[f64] {
        &self.have[class * self.shares.len()..(class + 1) * self.shares.len()]
    }

    /// How far the splits are off when a component is added to each of them: up to what is the same for all.
    fn costs_to_add(&self, component: usize, costs: &mut [f64]) {
        costs.fill(0.0);
        for (class, n) in self.cells(component) {
            let (weight, sum) = (self.weights[class], self.sums[class]);
            let base = self.squares[class] - n * (2.0 * sum + n);
            let of = self.row(class).iter().zip(&self.inverse);
            for (cost, (have, inverse)) in costs.iter_mut().zip(of) {
                let squares = base + n * (2.0 * have + n) * inverse;
                *cost += weight * squares.max(0.0).sqrt();
            }
        }
    }

    /// By how much the sum of the formula changes when a component moves from its split to each of the others.
    pub fn costs_to_move(&self, component: usize, from: usize, costs: &mut [f64]) {
        costs.fill(0.0);
        for (class, n) in self.cells(component) {
            let (weight, sum, squares) =
                (self.weights[class], self.sums[class], self.squares[class]);
            let row = self.row(class);
            let off = row[from] - self.shares[from] * sum;
            let base = squares + n * (n - 2.0 * off) * self.inverse[from];
            let before = squares.sqrt();
            let of = row.iter().zip(self.shares).zip(&self.inverse);
            for (cost, ((have, share), inverse)) in costs.iter_mut().zip(of) {
                let squares = base + n * (2.0 * (have - share * sum) + n) * inverse;
                *cost += weight * (squares.max(0.0).sqrt() - before);
            }
        }
        costs[from] = f64::INFINITY;
    }

    /// By how much it changes when `n` of a class move from a split to another.
    fn change_of(&self, class: usize, n: f64, from: usize, to: usize) -> f64 {
        let (row, sum, squares) = (self.row(class), self.sums[class], self.squares[class]);
        let off = |split: usize| row[split] - self.shares[split] * sum;
        let after = squares
            + n * (n - 2.0 * off(from)) * self.inverse[from]
            + n * (n + 2.0 * off(to)) * self.inverse[to];
        self.weights[class] * (after.max(0.0).sqrt() - squares.sqrt())
    }

    /// By how much it changes when one component and another change their places, `from` and `to`.
    pub fn cost_to_swap(&self, one: usize, other: usize, from: usize, to: usize) -> f64 {
        let sizes = &self.counts.sizes;
        let size = f64::from(sizes[one]) - f64::from(sizes[other]);
        let mut change = self.change_of(self.counts.totals.len(), size, from, to);
        let (mut a, mut b) = (self.counts.of_component(one), self.counts.of_component(other));
        loop {
            let (class, n) = match (a.first(), b.first()) {
                (Some((class, n)), Some((other, m))) if class == other => {
                    (a, b) = (&a[1..], &b[1..]);
                    (*class, f64::from(*n) - f64::from(*m))
                }
                (Some((class, n)), other) if other.is_none_or(|(other, _)| class < other) => {
                    a = &a[1..];
                    (*class, f64::from(*n))
                }
                (_, Some((class, n))) => {
                    b = &b[1..];
                    (*class, -f64::from(*n))
                }
                (_, None) => return change,
            };
            change += self.change_of(class as usize, n, from, to);
        }
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
        for (class, n) in self.cells(component) {
            self.have[class * self.shares.len() + split] += sign * n;
            self.sums[class] += sign * n;
            // Anew, so that no rounding adds up.
            let sum = self.sums[class];
            let of = self.row(class).iter().zip(self.shares).zip(&self.inverse);
            self.squares[class] = of.fold(0.0, |squares, ((have, share), inverse)| {
                let off = have - share * sum;
                squares + off * off * inverse
            });
        }
    }

    /// The sum of the formula as it stands.
    pub fn sum(&self) -> f64 {
        self.squares
            .iter()
            .zip(&self.weights)
            .map(|(squares, weight)| weight * squares.sqrt())
            .sum()
    }
}

/// Starts from which the best is taken, where a table is small.
const MOST_STARTS: u64 = 100;
/// Counts that may be looked at in all of them: a fraction of a second.
const STARTS_WORK: u64 = 40_000_000;

/// The split of each component, so that splits come near to their shares. `fixed` has the split of components that have
/// one already, [`OPEN`] for the others; `ranks` a keyed hash of each component's name. At most 255 splits.
pub fn assign(counts: &Counts, shares: &[f64], ranks: &[u64], fixed: Vec<u8>) -> Vec<u8> {
    let classes = counts.classes();
    let mut keyed: Vec<(u64, u32, u32)> = Vec::new();
    for component in (0..counts.len()).filter(|c| fixed[*c] == OPEN) {
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
    let (mut best, mut least, first_work) = start(counts, shares, ranks, &order, fixed.clone());
    let mut work = first_work;
    for number in 1..MOST_STARTS {
        if least == 0.0 || work + first_work > STARTS_WORK {
            break;
        }
        // Another order each time, named by the hashes.
        let mut shuffled = order.clone();
        let other = |c: &u32| mixed(ranks[*c as usize], number);
        shuffled.sort_by_cached_key(|c| (other(c), *c));
        let (splits, sum, used) = start(counts, shares, ranks, &shuffled, fixed.clone());
        work += used;
        if sum < least {
            (best, least) = (splits, sum);
        }
    }
    best
}

/// A hash of a hash, another for each number (the finalizer of SplitMix64).
fn mixed(rank: u64, number: u64) -> u64 {
    let x = rank ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

/// Shares components out in this order, makes it better, and says how far off it is and how much work it was.
fn start(
    counts: &Counts,
    shares: &[f64],
    ranks: &[u64],
    order: &[u32],
    mut splits: Vec<u8>,
) -> (Vec<u8>, f64, u64) {
    let mut state = State::new(counts, shares);
    for (component, split) in splits.iter().enumerate().filter(|(_, split)| **split != OPEN) {
        state.put(component, usize::from(*split));
    }
    let mut costs = vec![0.0; shares.len()];
    let mut work = 0;
    for component in order.iter().map(|c| *c as usize) {
        state.costs_to_add(component, &mut costs);
        let split = cheapest(&costs, ranks[component]);
        state.put(component, split);
        splits[component] = split as u8;
        work += (costs.len() * (1 + counts.of_component(component).len())) as u64;
    }
    fill_empty(&mut state, order, &mut splits);
    work += improve(&mut state, order, &mut splits);
    let sum = state.sum();
    (splits, sum, work)
}

/// The least of some costs; of equal ones, that which the hash says.
fn cheapest(costs: &[f64], rank: u64) -> usize {
    let lowest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let equal = costs.iter().filter(|cost| **cost == lowest).count().max(1) as u64;
    let wanted = (rank % equal) as usize;
    let mut lowest = costs.iter().enumerate().filter(|(_, cost)| **cost == lowest);
    lowest.nth(wanted).map_or(0, |(split, _)| split)
}

/// Gives a split that has no component the one whose move costs least, where another split can spare it.
fn fill_empty(state: &mut State<'_>, order: &[u32], splits: &mut [u8]) {
    let mut costs = vec![0.0; state.shares.len()];
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
            state.costs_to_move(component, from, &mut costs);
            let cost = costs[empty];
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
        state.costs_to_move(1, 1, &mut costs);
        state.take(1, 1);
        state.put(1, 2);
        near(state.sum() - before, costs[2]);
        state.take(1, 2);
        state.put(1, 1);
        near(state.sum(), before);
        let swapped = state.cost_to_swap(0, 1, 0, 1);
        state.take(0, 0);
        state.take(1, 1);
        state.put(0, 1);
        state.put(1, 0);
        near(state.sum() - before, swapped);
        let mut costs = [0.0; 3];
        state.costs_to_add(22, &mut costs);
        let after = [0, 1, 2].map(|split| {
            state.put(22, split);
            let sum = state.sum();
            state.take(22, split);
            sum
        });
        near(after[1] - after[0], costs[1] - costs[0]);
        near(after[2] - after[0], costs[2] - costs[0]);
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

    /// The shares of splits of 0.7, 0.15 and 0.15, where each row has a component and a class.
    fn shares_of(count: u32, classes: u32, rows: &[(u32, u32)]) -> [f64; 3] {
        let (components, codes): (Vec<u32>, Vec<u32>) = rows.iter().copied().unzip();
        let column = Column { codes: &codes, classes };
        let counts = Counts::of(&components, count as usize, &[column], false);
        let open = vec![OPEN; count as usize];
        let splits = assign(&counts, &[0.7, 0.15, 0.15], &ranks(count.into()), open);
        let mut shares = [0.0; 3];
        for component in components {
            shares[splits[component as usize] as usize] += 1.0 / rows.len() as f64;
        }
        shares
    }

    #[test]
    fn classes_that_cannot_be_shared_out_leave_splits_their_ratios() {
        let rows = |count: u32, row: fn(u32) -> (u32, u32)| (0..count).map(row).collect::<Vec<_>>();
        let drawn = |n: u32, salt: u32| (mixed(u64::from(n) + 1, u64::from(salt) + 1) >> 33) as u32;
        let many = |rows: u32, groups: u32, classes: u32| -> Vec<(u32, u32)> {
            (0..rows).map(|n| (drawn(n, 1) % groups, drawn(n, 2) % classes)).collect()
        };
        let uneven: Vec<_> = (0..4000).map(|n| drawn(n, 3) % 200).map(|g| (g, g)).collect();
        let cases = [
            ("each group its label", 20, 20, rows(400, |n| (n % 20, n % 20)), 0.0),
            ("many groups", 200, 200, rows(4000, |n| (n % 200, n % 200)), 0.0),
            ("groups of many sizes", 200, 200, uneven, 0.005),
            ("two patients of each", 40, 20, rows(800, |n| (n % 40, n % 20)), 0.0),
            ("five patients of each", 100, 20, rows(2000, |n| (n % 100, n % 20)), 0.0),
            ("rare classes", 300, 1000, many(3000, 300, 1000), 0.005),
            ("more rows of them", 300, 1000, many(20_000, 300, 1000), 0.01),
            ("classes of two rows", 5000, 100_000, many(200_000, 5000, 100_000), 0.005),
        ];
        for (name, count, classes, rows, bound) in cases {
            for (share, wanted) in shares_of(count, classes, &rows).iter().zip([0.7, 0.15, 0.15]) {
                assert!((share - wanted).abs() <= bound + 1e-9, "{name}: {share} for {wanted}");
            }
        }
        // A giant has more than its share; the others lie where it does not.
        let giant = |n: u32| if n < 1600 { 0 } else { 1 + n % 20 };
        let rows: Vec<_> = (0..2000).map(giant).map(|g| (g, g)).collect();
        let shares = shares_of(21, 21, &rows);
        assert!(shares[1] > 0.09 && shares[2] > 0.09, "{shares:?}");
    }

    #[test]
    fn hashes_fill_splits_by_their_ratios() {
        let found = assign_by_hash(&[0.7, 0.2, 0.1], &ranks(100_000), vec![OPEN; 100_000]);
        let of = |split: u8| found.iter().filter(|s| **s == split).count() as f64 / 1e5;
        assert!((of(0) - 0.7).abs() < 0.01 && (of(1) - 0.2).abs() < 0.01, "{} {}", of(0), of(1));
        assert_eq!(assign_by_hash(&[0.5, 0.5], &[0, u64::MAX], vec![OPEN; 2]), [0, 1]);
    }
}
