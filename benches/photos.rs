//! What is done to a photo, work by work: `cargo bench --bench photos [-- FILTER]`.
//!
//! Prints `work<TAB>ours<TAB>times a second`, one thread. A number is the fastest of many rounds by the wall
//! clock: what a loop does when nobody disturbs it, and never less than its CPU time. Images are drawn by
//! arithmetic, 512 × 512 RGB unless the name says more. `photos_vs_peers.sh` puts other programs beside it.

#[path = "photos/blur.rs"]
mod blur;
#[path = "photos/decode.rs"]
mod decode;
#[path = "photos/geom.rs"]
mod geom;
#[path = "photos/policy.rs"]
mod policy;
#[path = "photos/tone.rs"]
mod tone;
#[path = "photos/traps.rs"]
mod traps;

use std::time::{Duration, Instant};

/// Short, so that some rounds go undisturbed; a single pass may take longer.
const ROUND: Duration = Duration::from_millis(4);
/// For which rounds are repeated, but for three at least.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// A work by its name.
type Row = (&'static str, Box<dyn FnMut()>);

fn main() {
    // cargo adds a flag of its own.
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with("--")).unwrap_or_default();
    let all =
        [geom::rows(), tone::rows(), blur::rows(), decode::rows(), traps::rows(), policy::rows()];
    for (name, mut work) in all.into_iter().flatten().filter(|(name, _)| name.contains(&filter)) {
        println!("{name}\tours\t{:.1}", rate(&mut *work));
    }
}

/// Times a second.
fn rate(work: &mut dyn FnMut()) -> f64 {
    work();
    let begun = Instant::now();
    work();
    let once = begun.elapsed().max(Duration::from_nanos(100));
    let passes = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 100_000) as u32;
    let (mut best, mut rounds) = (Duration::MAX, 0);
    let begun = Instant::now();
    while rounds < 3 || begun.elapsed() < LONG_ENOUGH {
        let round = Instant::now();
        (0..passes).for_each(|_| work());
        best = best.min(round.elapsed() / passes);
        rounds += 1;
    }
    1.0 / best.as_secs_f64()
}
