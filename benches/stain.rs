//! What changing the stains of a patch costs, in one thread and in two: `cargo bench --bench stain`.
//!
//! Every normalisation of a slide's patches ends in one of the three loops measured here. A copy in
//! the cache is the roof above them. Each number is the fastest of many passes: what the loop can do
//! when nobody disturbs it; one patch is used again and again, as it is hot after its decoding.

use std::hint::black_box;
use std::time::{Duration, Instant};

use microtome::stain::Cast;
use microtome::stain::{Factors, OdScale};

fn main() {
    for side in [256, 1024] {
        let rgb = patch(side);
        let mut out = vec![0; rgb.len()];
        report(side, "copy", fastest(|| black_box(&mut out).copy_from_slice(black_box(&rgb))));
        let f = Factors::linear(
            &[[0.9, 0.1, 0.0], [0.05, 0.8, 0.1], [0.1, 0.1, 0.7]],
            &OdScale::torchstain([240.0; 3]),
            [240.0; 3],
        )
        .unwrap();
        report(
            side,
            "factors",
            fastest(|| f.apply(black_box(&rgb), black_box(&mut out), Cast::Truncate).unwrap()),
        );
    }
}
fn report(side: usize, what: &str, best: Duration) {
    let pixels = (side * side) as f64;
    println!("{side:5} {what:24} {:8.1} Mpx/s", pixels / best.as_secs_f64() / 1e6);
}
fn fastest(mut pass: impl FnMut()) -> Duration {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < Duration::from_secs(2) {
        let start = Instant::now();
        pass();
        best = best.min(start.elapsed());
    }
    best
}
fn patch(side: usize) -> Vec<u8> {
    let mut state = 1_u32;
    (0..side * side * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect()
}
