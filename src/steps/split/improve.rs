//! What a greedy turn left, made better: components that move, and pairs that change places.

use super::assign::State;

/// Counts that may be looked at: a second or less. Enough for a table of thousands of components to come to rest.
const MOST_WORK: u64 = 400_000_000;
/// Turns over all components.
const MOST_TURNS: usize = 50;
/// What is less is taken for the rounding of a sum of ones.
const LEAST: f64 = 1e-13;
/// Other components that a component is tried against, where there are too many to try all.
const LEAST_TRIED: usize = 4;

/// Moves components and swaps pairs while that makes the sum of the formula less. `order` has the components that
/// may move; those of like sizes stand side by side.
pub(super) fn improve(state: &mut State<'_>, order: &[u32], splits: &mut [u8]) {
    let mut work = 0;
    let mut costs = vec![0.0; state.shares.len()];
    let cells: usize = order.iter().map(|c| 1 + state.counts.of_component(*c as usize).len()).sum();
    // Trying all pairs once must not take more than a quarter of the work.
    let per_partner = (4 * cells as u64).max(1);
    let tried = (MOST_WORK / 4 / per_partner).max(LEAST_TRIED as u64);
    let tried = usize::try_from(tried).unwrap_or(usize::MAX).min(order.len().saturating_sub(1));
    for _ in 0..MOST_TURNS {
        let moved = moves(state, order, splits, &mut costs, &mut work);
        let swapped = work < MOST_WORK && swaps(state, order, splits, tried, &mut work);
        if work >= MOST_WORK || !(moved || swapped) {
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
        state.costs(component, costs);
        costs[from] = f64::INFINITY;
        let Some((to, cost)) = costs.iter().copied().enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
        else {
            break;
        };
        if cost + state.change(from, None, Some(component)) < -LEAST {
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
    tried: usize,
    work: &mut u64,
) -> bool {
    let mut any = false;
    for (place, one) in order.iter().enumerate() {
        let one = *one as usize;
        let mut best: Option<(f64, usize)> = None;
        for step in 1..=tried {
            let other = order[(place + step) % order.len()] as usize;
            let (from, to) = (splits[one] as usize, splits[other] as usize);
            if from == to {
                continue;
            }
            let cells = state.counts.of_component(one).len();
            *work += 2 * (cells + state.counts.of_component(other).len() + 1) as u64;
            let cost = state.change(from, Some(other), Some(one))
                + state.change(to, Some(one), Some(other));
            if cost < best.map_or(-LEAST, |(least, _)| least) {
                best = Some((cost, other));
            }
        }
        if let Some((_, other)) = best {
            let (from, to) = (splits[one] as usize, splits[other] as usize);
            (state.take(one, from), state.take(other, to));
            (state.put(one, to), state.put(other, from));
            splits.swap(one, other);
            any = true;
        }
        if *work >= MOST_WORK {
            break;
        }
    }
    any
}
