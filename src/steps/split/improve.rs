//! What a greedy turn left, made better: components that move, and pairs that change places.

use std::ops::Range;

use super::assign::State;

/// Counts that may be looked at: some tenths of a second. Enough for a table of a thousand components to come to rest.
const MOST_WORK: u64 = 40_000_000;
/// Turns over all components.
const MOST_TURNS: usize = 50;
/// What is less is taken for the rounding of a sum of ones.
const LEAST: f64 = 1e-13;
/// Other components that a component is tried against, where there are too many to try all.
const LEAST_TRIED: u64 = 4;

/// Moves components and swaps pairs while that makes the sum of the formula less. `order` has the components that
/// may move. Gives the work that it was.
pub(super) fn improve(state: &mut State<'_>, order: &[u32], splits: &mut [u8]) -> u64 {
    let mut work = 0;
    let mut costs = vec![0.0; state.shares.len()];
    let cells: usize = order.iter().map(|c| 1 + state.counts.of_component(*c as usize).len()).sum();
    // A turn takes a tenth of the work at most, where components are not too many for that.
    let per_partner = (4 * cells as u64).max(1);
    let tried = (MOST_WORK / 10 / per_partner).max(LEAST_TRIED);
    let tried = usize::try_from(tried).unwrap_or(usize::MAX);
    moves_to_rest(state, order, splits, &mut costs, &mut work);
    // Each turn tries other partners; at rest is what no partner betters.
    let (mut first, mut in_vain) = (1, 0);
    while work < MOST_WORK && in_vain < order.len() && !order.is_empty() {
        let partners = first..first + tried.min(order.len());
        if swaps(state, order, splits, partners.clone(), &mut work) {
            moves_to_rest(state, order, splits, &mut costs, &mut work);
            in_vain = 0;
        } else {
            in_vain += partners.len();
        }
        first = partners.end % order.len();
    }
    work
}

fn moves_to_rest(
    state: &mut State<'_>,
    order: &[u32],
    splits: &mut [u8],
    costs: &mut [f64],
    work: &mut u64,
) {
    for _ in 0..MOST_TURNS {
        if *work >= MOST_WORK || !moves(state, order, splits, costs, work) {
            break;
        }
    }
}

fn moves(
    state: &mut State<'_>,
    order: &[u32],
    splits: &mut [u8],
    costs: &mut [f64],
    work: &mut u64,
) -> bool {
    let mut any = false;
    for component in order.iter().map(|c| *c as usize) {
        let from = splits[component] as usize;
        if state.members[from] < 2 {
            continue;
        }
        let cells = 1 + state.counts.of_component(component).len();
        *work += (cells * (costs.len() + 1)) as u64;
        if *work >= MOST_WORK {
            break;
        }
        state.costs_to_move(component, from, costs);
        let Some((to, cost)) = costs.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
        else {
            break;
        };
        if cost < -LEAST {
            state.take(component, from);
            state.put(component, to);
            splits[component] = to as u8;
            any = true;
        }
    }
    any
}

fn swaps(
    state: &mut State<'_>,
    order: &[u32],
    splits: &mut [u8],
    partners: Range<usize>,
    work: &mut u64,
) -> bool {
    let mut any = false;
    for (place, one) in order.iter().enumerate() {
        let one = *one as usize;
        let mut best: Option<(f64, usize)> = None;
        for step in partners.clone() {
            let other = order[(place + step) % order.len()] as usize;
            let (from, to) = (splits[one] as usize, splits[other] as usize);
            if from == to {
                continue;
            }
            let cells = state.counts.of_component(one).len();
            *work += 2 * (cells + state.counts.of_component(other).len() + 1) as u64;
            let cost = state.cost_to_swap(one, other, from, to);
            if cost < best.map_or(-LEAST, |(least, _)| least) {
                best = Some((cost, other));
            }
        }
        if let Some((_, other)) = best {
            let (from, to) = (splits[one] as usize, splits[other] as usize);
            state.take(one, from);
            state.take(other, to);
            state.put(one, to);
            state.put(other, from);
            splits.swap(one, other);
            any = true;
        }
        if *work >= MOST_WORK {
            break;
        }
    }
    any
}
