//! What changing the stains of a patch costs: `cargo bench --bench stain`.
//!
//! Once the profiles are known, every normalisation ends in one of these loops, as does stain
//! augmentation; a copy in the cache is the roof above them. A number is the fastest of many passes
//! over the same patch: what a loop does when nobody disturbs it. Patches hold noise, which meets all
//! entries of the tables: tissue is no slower. With two threads each has a patch of its own, and both
//! begin together; the ratio is to one thread that does the same in the same way.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use microtome::Result;
use microtome::stain::amounts::{Amounts, Third};
use microtome::stain::brightness::{self, Brightness};
use microtome::stain::{
    ApplyOptions, Method, Normalizer, OdScale, Over, Pool, Profile, Stains, reinhard,
};

/// Rounds of one thread and of two, in turn, and pixels that each thread maps in a round: a few
/// milliseconds, so that some rounds go undisturbed.
const ROUNDS: usize = 100;
const ROUND_PX: usize = 1 << 22;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("stain: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    let maps = [
        ("factors", map(None, ApplyOptions::default())?),
        (
            "factors, background kept",
            map(None, ApplyOptions { keep_background: Some(0.15), ..ApplyOptions::default() })?,
        ),
        (
            "clipped at 0",
            map(None, ApplyOptions { clip_negative: true, ..ApplyOptions::default() })?,
        ),
        ("lasso", map(Some(0.01), ApplyOptions::default())?),
        ("reinhard", colours(ApplyOptions::default())?),
        (
            "reinhard, background kept",
            colours(ApplyOptions { keep_background: Some(0.15), ..ApplyOptions::default() })?,
        ),
    ];
    for side in [256, 1024] {
        let rgb = patch(side, 1);
        let mut out = vec![0; rgb.len()];
        let copy = fastest(|| {
            black_box(&mut out).copy_from_slice(black_box(&rgb));
            Ok(())
        })?;
        print(side, "copy", copy);
        for (name, map) in &maps {
            print(side, name, fastest(|| map.apply(black_box(&rgb), black_box(&mut out)))?);
        }
        let amounts = Amounts::new(&stains(OTHER, Some(0.01)), Third::Residual)?;
        let mut planes = [(); 3].map(|()| vec![0; side * side]);
        let planes = fastest(|| {
            amounts.planes(black_box(&rgb), planes.each_mut().map(|plane| &mut plane[..]))
        })?;
        print(side, "planes of amounts, lasso", planes);
        let bright =
            fastest(|| Brightness::of_rgb(&rgb, brightness::PERCENT).apply(&rgb, &mut out))?;
        print(side, "brightness", bright);
        for (name, map) in &maps {
            let mut best = [Duration::MAX; 2];
            for _ in 0..ROUNDS {
                for (threads, best) in (1..).zip(&mut best) {
                    *best = (*best).min(together(map, side, threads)?);
                }
            }
            let [one, two] = best.map(|time| time.as_secs_f64());
            let what = format!("{name}, two threads: {:.2} x", 2.0 * one / two);
            print(side, &what, best[1] / (2 * ROUND_PX / (side * side)) as u32);
        }
    }
    Ok(())
}

const HE: [[f64; 3]; 2] = [[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]];
const OTHER: [[f64; 3]; 2] = [[0.658, 0.685, 0.314], [0.152, 0.902, 0.404]];

fn stains(matrix: [[f64; 3]; 2], lambda: Option<f64>) -> Stains {
    let scale = OdScale::torchstain([240.0; 3]);
    Stains { scale, matrix, max_concentrations: [1.2, 1.1], over: Over::All, lambda }
}

fn profile(method: Method) -> Profile {
    Profile {
        profile: 1,
        method,
        version: "1".into(),
        stains: None,
        lab: None,
        images: 1,
        pixels: 1,
        tissue_px: 1,
        angle_deg: None,
        fitted_on: None,
    }
}

fn map(lambda: Option<f64>, options: ApplyOptions) -> Result<Normalizer> {
    let of = |matrix| Profile { stains: Some(stains(matrix, lambda)), ..profile(Method::Macenko) };
    Normalizer::new(&of(OTHER), &of(HE), &options)
}

fn colours(options: ApplyOptions) -> Result<Normalizer> {
    let of = |rgb: Vec<u8>| Profile {
        lab: reinhard::moments(&Pool::of_rgb(&rgb)),
        ..profile(Method::Reinhard)
    };
    let darker = patch(64, 3).iter().map(|sample| sample / 2 + 40).collect();
    Normalizer::new(&of(patch(64, 2)), &of(darker), &options)
}

fn patch(side: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(side * side * 3).collect()
}

fn fastest(mut pass: impl FnMut() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    while begin.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        pass()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// A round: the time from the common beginning until the last of `threads` has done its passes.
fn together(map: &Normalizer, side: usize, threads: usize) -> Result<Duration> {
    let barrier = Barrier::new(threads);
    let passes = |seed: usize| {
        let rgb = patch(side, seed as u32);
        let mut out = vec![0; rgb.len()];
        let warm = map.apply(&rgb, &mut out);
        barrier.wait();
        let start = Instant::now();
        for _ in 0..ROUND_PX / (side * side) {
            map.apply(black_box(&rgb), black_box(&mut out))?;
        }
        warm.map(|()| (start, Instant::now()))
    };
    let times = std::thread::scope(|scope| {
        let passes = &passes;
        let running: Vec<_> =
            (0..threads).map(|seed| scope.spawn(move || passes(seed + 1))).collect();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let times: Vec<(Instant, Instant)> = times.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let start = times.iter().map(|(start, _)| *start).min();
    let end = times.iter().map(|(_, end)| *end).max();
    Ok(start.zip(end).map_or(Duration::MAX, |(start, end)| end.duration_since(start)))
}

fn print(side: usize, what: &str, time: Duration) {
    let pixels = (side * side) as f64 / 1e6;
    println!("{side:5} px  {what:50} {:8.1} Mpx/s", pixels / time.as_secs_f64());
}
