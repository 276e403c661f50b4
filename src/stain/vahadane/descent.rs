//! Down the objective: colours in camps, their moments, and steps on these.

/// Three channels.
pub(super) type Vector = [f64; 3];
/// Two stain vectors.
pub(super) type Atoms = [Vector; 2];

/// Most passes over the colours, in each of the two rounds.
const PASSES: usize = 60;

/// `F` has converged when a pass lowers it by no more than this part of it.
const CONVERGED: f64 = 1e-11;

/// Most steps of the alternation on moments between two passes: all the way; or fewer, when that made
/// `F` larger. A single one is the classic alternation, which makes `F` smaller unless it is at rest.
const STEPS: [usize; 4] = [400, 32, 6, 1];

/// Sums over the colours of one camp: pixels, densities, products of densities (rr, rg, rb, gg, gb, bb).
#[derive(Clone, Copy, Default)]
struct Camp {
    n: f64,
    x: Vector,
    xx: [f64; 6],
}

impl Camp {
    #[inline]
    fn add(&mut self, x: &Vector, w: f64) {
        let [r, g, b] = *x;
        let weighted = [w * r, w * g, w * b];
        self.n += w;
        for (sum, value) in self.x.iter_mut().zip(weighted) {
            *sum += value;
        }
        let [wr, wg, wb] = weighted;
        for (sum, value) in self.xx.iter_mut().zip([wr * r, wr * g, wr * b, wg * g, wg * b, wb * b])
        {
            *sum += value;
        }
    }

    /// `Σ w·x·(x·d)`.
    fn times(&self, d: &Vector) -> Vector {
        let [rr, rg, rb, gg, gb, bb] = self.xx;
        [dot(&[rr, rg, rb], d), dot(&[rg, gg, gb], d), dot(&[rb, gb, bb], d)]
    }

    /// `Σ w·‖x‖²`.
    fn power(&self) -> f64 {
        self.xx[0] + self.xx[3] + self.xx[5]
    }
}

/// Who uses which stains, at some `D`.
#[derive(Clone, Copy, Default)]
struct Camps {
    /// Index 0: none; 1: the first alone; 2: the second alone; 3: both.
    camps: [Camp; 4],
}

/// What the codes say at some `D` while nobody changes camp.
struct Codes {
    /// `Σ w·c·cᵀ`: [00, 01, 11].
    cc: [f64; 3],
    /// `Σ w·c·xᵀ`.
    cx: Atoms,
    /// `n·F`.
    objective: f64,
}

impl Camps {
    /// One pass over the colours. `None` when the vectors lie on one line.
    fn of(
        colours: impl Iterator<Item = (Vector, f64)>,
        atoms: &Atoms,
        lambda: f64,
    ) -> Option<Self> {
        let [hh, he, ee] = gram(atoms)?;
        let [h, e] = *atoms;
        let mut camps = Self::default();
        for (x, w) in colours {
            let (b0, b1) = (dot(&h, &x) - lambda, dot(&e, &x) - lambda);
            // Signs of both codes where both are free; see `Unmixing::amounts`.
            let (c0, c1) = (ee * b0 - he * b1, hh * b1 - he * b0);
            let camp = if c0 > 0.0 && c1 > 0.0 {
                3
            } else if b0 <= 0.0 && b1 <= 0.0 {
                0
            } else if c1 > 0.0 {
                2
            } else {
                1
            };
            camps.camps[camp].add(&x, w);
        }
        Some(camps)
    }

    /// `None` when the vectors lie on one line.
    fn codes(&self, atoms: &Atoms, lambda: f64) -> Option<Codes> {
        let [hh, he, ee] = gram(atoms)?;
        let determinant = hh * ee - he * he;
        let [none, first, second, both] = &self.camps;
        let mut codes = Codes { cc: [0.0; 3], cx: [[0.0; 3]; 2], objective: 0.5 * none.power() };
        for (stain, camp, square) in [(0, first, hh), (1, second, ee)] {
            let d = &atoms[stain];
            let xx = camp.times(d);
            let along = dot(&camp.x, d);
            let power = dot(&xx, d) - 2.0 * lambda * along + lambda * lambda * camp.n;
            codes.cc[2 * stain] += power / (square * square);
            codes.cx[stain] = [0, 1, 2].map(|c| (xx[c] - lambda * camp.x[c]) / square);
            codes.objective += 0.5 * (camp.power() - power / square);
        }
        // b = D·x − λ; codes = G⁻¹·b.
        let bx = [0, 1].map(|stain| {
            let xx = both.times(&atoms[stain]);
            [0, 1, 2].map(|c| xx[c] - lambda * both.x[c])
        });
        let sum = [0, 1].map(|stain| dot(&both.x, &atoms[stain]) - lambda * both.n);
        let bb = [
            dot(&bx[0], &atoms[0]) - lambda * sum[0],
            dot(&bx[0], &atoms[1]) - lambda * sum[0],
            dot(&bx[1], &atoms[1]) - lambda * sum[1],
        ];
        let inverse = [ee / determinant, -he / determinant, hh / determinant];
        let rows = [[inverse[0], inverse[1]], [inverse[1], inverse[2]]];
        // G⁻¹·(b·bᵀ), then times G⁻¹.
        let half = rows.map(|[p, q]| [p * bb[0] + q * bb[1], p * bb[1] + q * bb[2]]);
        codes.objective += 0.5 * (both.power() - (half[0][0] + half[1][1]));
        codes.cc[0] += half[0][0] * rows[0][0] + half[0][1] * rows[0][1];
        codes.cc[1] += half[0][0] * rows[1][0] + half[0][1] * rows[1][1];
        codes.cc[2] += half[1][0] * rows[1][0] + half[1][1] * rows[1][1];
        for (cx, [p, q]) in codes.cx.iter_mut().zip(rows) {
            for (c, value) in cx.iter_mut().enumerate() {
                *value += p * bx[0][c] + q * bx[1][c];
            }
        }
        Some(codes)
    }

    /// From `atoms` at most `steps` steps downhill while nobody changes camp.
    fn settle(&self, atoms: Atoms, steps: usize, lambda: f64) -> Atoms {
        let mut best = (atoms, f64::INFINITY);
        let (mut here, mut last, mut since) = (atoms, atoms, 0.0);
        for _ in 0..=steps {
            match self.codes(&here, lambda) {
                Some(codes) if codes.objective < best.1 => {
                    best = (here, codes.objective);
                    let next = codes.vectors(here);
                    if largest_change(&next, &here) < 1e-13 {
                        break;
                    }
                    // Nesterov's momentum.
                    let momentum = since / (since + 3.0);
                    here = project(mix(&last, &next, 1.0 + momentum));
                    last = next;
                    since += 1.0;
                }
                _ if since > 1.0 => {
                    // Too far: from the best again, without momentum.
                    (here, last, since) = (best.0, best.0, 0.0);
                    best.1 = f64::INFINITY;
                }
                _ => break,
            }
        }
        best.0
    }
}

impl Codes {
    /// The best vectors for these codes: each in turn exactly (the minimum over a row is a point that is
    /// projected), until they rest.
    fn vectors(&self, mut atoms: Atoms) -> Atoms {
        let [aa, ab, bb] = self.cc;
        for _ in 0..8 {
            for (stain, own) in [(0, aa), (1, bb)] {
                if own > 0.0 {
                    let other = atoms[1 - stain];
                    atoms[stain] =
                        row([0, 1, 2].map(|c| (self.cx[stain][c] - ab * other[c]) / own));
                }
            }
        }
        atoms
    }
}

/// From `atoms` down to a minimum; also gives `n·F` there. `None` when the vectors lie on one line, or
/// one of them is used by no colour.
pub(super) fn descend<I: Iterator<Item = (Vector, f64)>>(
    colours: impl Fn() -> I,
    atoms: Atoms,
    lambda: f64,
) -> Option<(Atoms, f64)> {
    let look = |atoms: Atoms| {
        let camps = Camps::of(colours(), &atoms, lambda)?;
        let codes = camps.codes(&atoms, lambda)?;
        codes.objective.is_finite().then_some((atoms, camps, codes))
    };
    let mut best = look(atoms)?;
    let mut failed = 0;
    for _ in 0..PASSES {
        let Some(&steps) = STEPS.get(failed) else { break };
        let before = best.2.objective;
        match look(best.1.settle(best.0, steps, lambda)) {
            Some(found) if found.2.objective < before => {
                let gained = before - found.2.objective;
                (best, failed) = (found, 0);
                if gained <= CONVERGED * before {
                    break;
                }
            }
            Some(found) if found.2.objective <= before * (1.0 + CONVERGED) => break,
            _ => failed += 1,
        }
    }
    let (atoms, _, Codes { cc, objective, .. }) = best;
    (cc[0] > 0.0 && cc[2] > 0.0).then_some((atoms, objective))
}

pub(super) fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Products of the vectors; `None` when they lie on one line, or one has no length.
fn gram([h, e]: &Atoms) -> Option<[f64; 3]> {
    let gram = [dot(h, h), dot(h, e), dot(e, e)];
    (gram[0] * gram[2] - gram[1] * gram[1] > 1e-12 * gram[0] * gram[2]).then_some(gram)
}

pub(super) fn unit(v: &Vector) -> Option<Vector> {
    let length = dot(v, v).sqrt();
    (length > 0.0 && length.is_finite()).then(|| v.map(|value| value / length))
}

/// Entries below zero become zero. Not by `f64::max`, which leaves it to the machine whether the larger
/// of 0 and −0 has a sign.
pub(super) fn positive(v: &Vector) -> Vector {
    v.map(|value| if value > 0.0 { value } else { 0.0 })
}

/// The nearest vector that has no negative entry and is no longer than 1.
fn row(v: Vector) -> Vector {
    let v = positive(&v);
    let length = dot(&v, &v).sqrt();
    if length > 1.0 { v.map(|value| value / length) } else { v }
}

/// `a + part·(b − a)`.
fn mix(a: &Atoms, b: &Atoms, part: f64) -> Atoms {
    [0, 1].map(|stain| [0, 1, 2].map(|c| a[stain][c] + part * (b[stain][c] - a[stain][c])))
}

fn largest_change(a: &Atoms, b: &Atoms) -> f64 {
    let pairs = a.as_flattened().iter().zip(b.as_flattened());
    pairs.fold(0.0, |most, (a, b)| (a - b).abs().max(most))
}

pub(super) fn project(atoms: Atoms) -> Atoms {
    atoms.map(row)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stain::concentration::Unmixing;

    proptest! {
        /// The moments say what a sum over all colours says: objective, and its slope by the vectors.
        #[test]
        fn moments_are_as_good_as_colours(
            colours in prop::collection::vec((prop::array::uniform3(0.0..3.0_f64), 1.0..9.0_f64), 1..40),
            atoms in prop::array::uniform2(prop::array::uniform3(0.05..0.57_f64)),
            lambda in 0.0..0.4_f64,
        ) {
            let Some([hh, he, ee]) = gram(&atoms) else { return Ok(()) };
            prop_assume!(hh * ee - he * he > 1e-3 * hh * ee);
            let unmixing = Unmixing::new(atoms, Some(lambda)).unwrap();
            let (mut objective, mut slope) = (0.0, [[0.0; 3]; 2]);
            for (x, w) in &colours {
                let c = unmixing.amounts(*x);
                let rest = [0, 1, 2].map(|k| x[k] - c[0] * atoms[0][k] - c[1] * atoms[1][k]);
                objective += w * (0.5 * dot(&rest, &rest) + lambda * (c[0] + c[1]));
                for stain in [0, 1] {
                    for k in [0, 1, 2] {
                        slope[stain][k] -= w * c[stain] * rest[k];
                    }
                }
            }
            let camps = Camps::of(colours.iter().copied(), &atoms, lambda).unwrap();
            let codes = camps.codes(&atoms, lambda).unwrap();
            prop_assert!((codes.objective - objective).abs() < 1e-8 * (1.0 + objective));
            let [aa, ab, bb] = codes.cc;
            for (stain, row) in [(0, [aa, ab]), (1, [ab, bb])] {
                for k in [0, 1, 2] {
                    let found = row[0] * atoms[0][k] + row[1] * atoms[1][k] - codes.cx[stain][k];
                    prop_assert!((found - slope[stain][k]).abs() < 1e-6 * (1.0 + objective));
                }
            }
        }

        /// Where a descent ends, the classic alternation finds nothing to gain.
        #[test]
        fn the_end_is_at_rest(
            colours in prop::collection::vec((prop::array::uniform3(0.2..2.5_f64), 1.0..9.0_f64), 3..60),
        ) {
            let all = || colours.iter().copied();
            let start = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]].map(row);
            let Some((atoms, objective)) = descend(all, start, 0.1) else { return Ok(()) };
            let mut here = atoms;
            for _ in 0..50 {
                let codes = Camps::of(all(), &here, 0.1).and_then(|camps| camps.codes(&here, 0.1));
                let Some(codes) = codes else { break };
                prop_assert!(codes.objective >= objective * (1.0 - 1e-7), "{} {}", codes.objective, objective);
                here = codes.vectors(here);
            }
        }
    }
}
