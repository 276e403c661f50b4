//! Vahadane 2016 (doi:10.1109/TMI.2016.2529665): stains by sparse non-negative factorisation.
//!
//! **Definition**, that of StainTools (which calls spams): over the two stain vectors `D` (rows, no
//! entry negative, no row longer than 1), of the densities x of the tissue pixels, minimise
//!
//! ```text
//! F(D) = 1/n · Σ_x min_{c ≥ 0} ½‖x − cᵀD‖² + λ·Σc            λ = 0.1
//! ```
//!
//! and bring the rows to length 1. Tissue has a density of at least `beta` in every channel (StainTools
//! masks by the lightness of LAB). StainTools stops spams after one second of wall clock, wherever it is
//! then; here the minimum is what is meant.
//!
//! **How.** The inner minimum has a closed form ([`super::concentration`]): each colour uses both stains,
//! one, or none. As long as none changes camp, `F` is a function of the colours' moments in each camp (ten
//! sums), whatever their number. So: one pass over the colours puts them into camps and gives `F` and the
//! moments; alternating between codes and vectors on the moments alone (with momentum, to the fixed point)
//! gives the next `D`. Where that raised `F`, fewer steps are taken; one is the classic alternation, which
//! cannot raise it. `F` has continuous first derivatives across camps, so that this is Newton-like: a
//! handful of passes, where plain alternation takes thousands.
//!
//! **Start.** `F` is not convex: a vector that no colour uses stays where it is. Two fixed starts (the mean
//! colours of the redder and of the less red half of the tissue; the vectors of Ruifrok and Johnston) are
//! followed on colours merged to 5 bits a channel, and the lower of those that use both vectors is taken to
//! its end on all colours. On real tissue, 200 random starts found no lower one.
//!
//! **End.** A pass that changes `F` by less than one part in 10¹¹, or 60 passes.
//!
//! **Determinism.** Sums over the pool's ascending colours, in `f64`, with `+ − × ÷ √` only, one thread: the
//! same bits on every machine. Cost: about 5 ns per distinct colour and pass, mostly 3 to 5 passes; memory:
//! 1 MB, whatever the pool.

mod descent;

use super::{OdScale, Pool};
use descent::{Atoms, Vector, descend, dot, positive, project, unit};

/// Where merging leaves fewer colours than this, all are taken: at most 512 times as many.
const FEW: usize = 64;

/// Square of the sine of the angle (0.06°) under which two vectors are one.
const CLOSE: f64 = 1e-6;

/// Hematoxylin and eosin by Ruifrok and Johnston 2001.
const RUIFROK: Atoms = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]];

/// The stain vectors of a pool, of length 1, that with more red (hematoxylin) first.
///
/// `beta` is the least density, in every channel, of tissue; `lambda` (≥ 0) the weight of sparsity.
/// `None` when there are no two stains to find: no two colours of tissue, or colours that one vector
/// explains as well (two within 0.06° of each other are one), or params that are no numbers.
pub fn stains(pool: &Pool, scale: &OdScale, beta: f64, lambda: f64) -> Option<[[f64; 3]; 2]> {
    if !(lambda >= 0.0 && lambda.is_finite()) {
        return None;
    }
    let tissue = Tissue::new(pool, scale, beta)?;
    tissue.colours().nth(1)?;
    let mut few = tissue.merged();
    if few.len() < FEW {
        few = tissue.colours().collect();
    }
    let start = [halves(&few), Some(RUIFROK)]
        .into_iter()
        .flatten()
        .filter_map(|atoms| descend(|| few.iter().copied(), project(atoms), lambda))
        .reduce(|best, other| if other.1 < best.1 { other } else { best })?
        .0;
    let (atoms, _) = descend(|| tissue.colours(), start, lambda)?;
    let [a, b] = [unit(&atoms[0])?, unit(&atoms[1])?];
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    if dot(&cross, &cross) <= CLOSE {
        return None;
    }
    Some(if a[0] >= b[0] { [a, b] } else { [b, a] })
}

/// The tissue of a pool.
struct Tissue<'a> {
    pool: &'a Pool,
    light: [u8; 3],
    table: [[f64; 256]; 3],
}

impl<'a> Tissue<'a> {
    fn new(pool: &'a Pool, scale: &OdScale, beta: f64) -> Option<Self> {
        let [Some(r), Some(g), Some(b)] = scale.darkest_light(beta) else { return None };
        let table = scale.table();
        table.iter().flatten().all(|density| density.is_finite()).then_some(Self {
            pool,
            light: [r, g, b],
            table,
        })
    }

    /// Densities of each colour of the tissue, and how many pixels have it.
    fn colours(&self) -> impl Iterator<Item = (Vector, f64)> {
        let [r, g, b] = self.light;
        let [red, green, blue] = &self.table;
        self.pool.colours().filter(move |(c, _)| c[0] <= r && c[1] <= g && c[2] <= b).map(
            |(c, count)| {
                let x = [red[c[0] as usize], green[c[1] as usize], blue[c[2] as usize]];
                (x, count as f64)
            },
        )
    }

    /// The tissue with colours merged that agree in the upper 5 bits of each channel: their mean
    /// density, and how many pixels there are. At most 32,768.
    fn merged(&self) -> Vec<(Vector, f64)> {
        let mut cells = vec![([0.0; 3], 0.0); 1 << 15];
        let [r, g, b] = self.light;
        for (c, count) in self.pool.colours() {
            if c[0] > r || c[1] > g || c[2] > b {
                continue;
            }
            let [i, j, k] = c.map(|sample| usize::from(sample >> 3));
            let (sum, weight): &mut (Vector, f64) = &mut cells[i << 10 | j << 5 | k];
            let count = count as f64;
            for ((sum, row), sample) in sum.iter_mut().zip(&self.table).zip(c) {
                *sum += count * row[usize::from(sample)];
            }
            *weight += count;
        }
        cells.retain(|(_, weight)| *weight > 0.0);
        for (sum, weight) in &mut cells {
            *sum = sum.map(|sum| sum / *weight);
        }
        cells
    }
}

/// The mean densities of the tissue whose share of red is above the mean share, and of the rest.
fn halves(colours: &[(Vector, f64)]) -> Option<Atoms> {
    let add = |sum: Vector, x: &Vector, w: f64| [0, 1, 2].map(|c| sum[c] + w * x[c]);
    let mean = colours.iter().fold([0.0; 3], |sum, (x, w)| add(sum, x, *w));
    let total = |x: &Vector| x[0] + x[1] + x[2];
    let [mut redder, mut rest] = [[0.0; 3]; 2];
    for (x, w) in colours {
        let half = if x[0] * total(&mean) > mean[0] * total(x) { &mut redder } else { &mut rest };
        *half = add(*half, x, *w);
    }
    Some([unit(&positive(&redder))?, unit(&positive(&rest))?])
}
