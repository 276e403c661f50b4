//! What changing the stains of an image costs: `cargo bench --bench stain [-- FOLDER]`.
//!
//! Without a folder, on patches that are drawn: the loops that every normalisation ends in once the
//! profiles are known; a copy in the cache is the roof above them. Patches hold noise, which meets all
//! entries of the tables: tissue is no slower. With a folder, on the images in it and in the lines that
//! `stain_vs_peers.sh` reads: the same loops, and those that fit each image before they change it.
//!
//! A number is the fastest of many rounds over one image, by the wall clock: what a loop does when nobody
//! disturbs it, and never less than its CPU time. With two threads each has a copy of the image, both
//! begin together and the last one counts; rounds of one thread and of two take turns.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use microtome::stain::amounts::{Amounts, Third};
use microtome::stain::brightness::{self, Brightness};
use microtome::stain::{
    ApplyOptions, Cast, FastFit, FitOptions, Fitted, Method, Normalizer, OdScale, Over, Pool,
    Profile, Stains, fit_rgb, hed, reinhard,
};
use microtome::{Error, Result};

/// Short, so that some rounds go undisturbed; a single pass may take longer.
const ROUND: Duration = Duration::from_millis(5);
/// For which rounds are repeated, but for three at least.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// Changes an image, with memory of its own.
type Pass<'a> = Box<dyn FnMut(&[u8], &mut [u8]) -> Result<()> + 'a>;
/// A name, and what makes a pass for each thread.
type Loop<'a> = (&'static str, Box<dyn Fn() -> Pass<'a> + Sync + 'a>);

fn main() -> ExitCode {
    // cargo adds a flag of its own.
    let folder = std::env::args_os().skip(1).find(|arg| !arg.to_string_lossy().starts_with("--"));
    match folder.map_or_else(drawn, |folder| given(Path::new(&folder))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("stain: {e}");
            ExitCode::FAILURE
        }
    }
}

fn drawn() -> Result<()> {
    let keep = ApplyOptions { keep_background: Some(0.15), ..ApplyOptions::default() };
    let clip = ApplyOptions { clip_negative: true, ..ApplyOptions::default() };
    let amounts = Amounts::new(&stains(OTHER, Some(0.01)), Third::Residual)?;
    let loops: [Loop; 9] = [
        copy(),
        apply("factors", map(None, ApplyOptions::default())?),
        apply("factors, background kept", map(None, keep)?),
        apply("clipped at 0", map(None, clip)?),
        apply("lasso", map(Some(0.01), ApplyOptions::default())?),
        apply("reinhard", colours(ApplyOptions::default())?),
        apply("reinhard, background kept", colours(keep)?),
        ("planes of amounts, lasso", Box::new(|| planes(&amounts))),
        (
            "brightness",
            Box::new(|| {
                Box::new(|rgb, out| Brightness::of_rgb(rgb, brightness::PERCENT).apply(rgb, out))
            }),
        ),
    ];
    for side in [256, 1024] {
        for (name, make) in &loops {
            let [one, two] = speeds(&patch(side, 1), make)?;
            let ratio = two / one;
            println!("{side:5} px  {name:28} {one:8.1} Mpx/s; two threads {two:8.1}: {ratio:.2} x");
        }
    }
    Ok(())
}

fn given(folder: &Path) -> Result<()> {
    let read = |name: &str, side: usize| {
        let path = folder.join(format!("{name}-{side}.rgb"));
        let rgb = std::fs::read(&path).map_err(|e| Error::store(path.to_string_lossy(), e))?;
        if rgb.len() == side * side * 3 {
            return Ok(rgb);
        }
        Err(Error::format(path.to_string_lossy(), format!("{} bytes", rgb.len())))
    };
    let target = read("target", 512)?;
    for side in [256, 1024] {
        let rgb = read("source", side)?;
        // The profiles of a slide, known before its patches are changed.
        let known = |name, method| {
            let fit =
                |rgb| profile_of(fit_rgb(rgb, &FitOptions { method, ..FitOptions::default() }));
            let map = Normalizer::new(&fit(&rgb)?, &fit(&target)?, &ApplyOptions::default())?;
            Ok::<_, Error>(apply(name, map))
        };
        let loops: [Loop; 10] = [
            copy(),
            known("fixed", Method::Macenko)?,
            known("lasso", Method::Vahadane)?,
            known("reinhard-fixed", Method::Reinhard)?,
            ("hed", Box::new(|| jitter(1))),
            fit_and_apply("macenko", Method::Macenko, &target)?,
            fit_and_apply("vahadane", Method::Vahadane, &target)?,
            fit_and_apply("reinhard", Method::Reinhard, &target)?,
            fit_and_apply("reinhard-modified", Method::ReinhardModified, &target)?,
            fit_and_apply("ruifrok", Method::Ruifrok, &target)?,
        ];
        for (name, make) in &loops {
            for (threads, speed) in (1..).zip(speeds(&rgb, make)?) {
                println!("{name}\t{side}\t{threads}\t{speed:.4}");
            }
        }
    }
    Ok(())
}

fn copy<'a>() -> Loop<'a> {
    let pass = |rgb: &[u8], out: &mut [u8]| {
        out.copy_from_slice(rgb);
        Ok(())
    };
    ("copy", Box::new(move || Box::new(pass)))
}

fn apply<'a>(name: &'static str, map: Normalizer) -> Loop<'a> {
    let make = move || -> Pass<'a> {
        let map = map.clone();
        Box::new(move |rgb, out| map.apply(rgb, out))
    };
    (name, Box::new(make))
}

fn planes(amounts: &Amounts) -> Pass<'_> {
    let mut planes = [(); 3].map(|()| Vec::new());
    Box::new(move |rgb, _| {
        planes.iter_mut().for_each(|plane| plane.resize(rgb.len() / 3, 0_u16));
        amounts.planes(rgb, planes.each_mut().map(|plane| &mut plane[..]))
    })
}

fn fit_and_apply<'a>(name: &'static str, method: Method, target: &[u8]) -> Result<Loop<'a>> {
    let options = FitOptions { method, ..FitOptions::default() };
    let target = profile_of(fit_rgb(target, &options))?;
    let make = move || -> Pass<'a> {
        let (mut fit, target) = (FastFit::new(&options), target.clone());
        Box::new(move |rgb, out| {
            let source = profile_of(fit.fit(rgb))?;
            Normalizer::new(&source, &target, &ApplyOptions::default())?.apply(rgb, out)
        })
    };
    Ok((name, Box::new(make)))
}

/// Stain augmentation, drawn anew for each image.
fn jitter<'a>(seed: u32) -> Pass<'a> {
    let mut noise = noise(seed);
    let scale = hed::scale();
    Box::new(move |rgb, out| {
        let mut draw = |most: f64| [(); 3].map(|()| (f64::from(noise()) / 127.5 - 1.0) * most);
        let (alpha, beta) = (draw(0.05).map(|a| 1.0 + a), draw(0.02 * hed::SKIMAGE_UNIT));
        let map = hed::jitter(&hed::HED, alpha, beta, &scale);
        let map = map.ok_or_else(|| Error::params("alpha", format!("{alpha:?}: no map")))?;
        map.apply(rgb, out, Cast::default())
    })
}

fn profile_of(fitted: Fitted) -> Result<Profile> {
    fitted.profile.ok_or_else(|| Error::params("rgb", fitted.status.words()))
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
    std::iter::repeat_with(noise(seed)).take(side * side * 3).collect()
}

fn noise(mut state: u32) -> impl FnMut() -> u8 {
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }
}

/// Megapixels per second of one thread, and of two together.
fn speeds<'a>(rgb: &[u8], make: &(dyn Fn() -> Pass<'a> + Sync + 'a)) -> Result<[f64; 2]> {
    let mut best = [f64::INFINITY; 2];
    let (begin, mut rounds) = (Instant::now(), 0);
    let once = together(rgb, make, 1, 3)?.as_secs_f64() / 3.0;
    let passes = ((ROUND.as_secs_f64() / once) as usize).max(1);
    while rounds < 3 || begin.elapsed() < LONG_ENOUGH {
        for (threads, best) in (1..).zip(&mut best) {
            let time = together(rgb, make, threads, passes)?.as_secs_f64();
            *best = best.min(time / (threads * passes) as f64);
        }
        rounds += 1;
    }
    Ok(best.map(|time| (rgb.len() / 3) as f64 / 1e6 / time))
}

/// A round: the time from the common beginning until the last of `threads` has done its passes.
fn together<'a>(
    rgb: &[u8],
    make: &(dyn Fn() -> Pass<'a> + Sync + 'a),
    threads: usize,
    passes: usize,
) -> Result<Duration> {
    let barrier = Barrier::new(threads);
    let run = || {
        let (rgb, mut out, mut pass) = (rgb.to_vec(), vec![0; rgb.len()], make());
        let warm = pass(&rgb, &mut out);
        barrier.wait();
        let start = Instant::now();
        for _ in 0..passes {
            pass(black_box(&rgb), black_box(&mut out))?;
        }
        warm.map(|()| (start, Instant::now()))
    };
    let times = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        running.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let times: Vec<(Instant, Instant)> = times.into_iter().flatten().collect::<Result<Vec<_>>>()?;
    let start = times.iter().map(|(start, _)| *start).min();
    let end = times.iter().map(|(_, end)| *end).max();
    Ok(start.zip(end).map_or(Duration::MAX, |(start, end)| end.duration_since(start)))
}
