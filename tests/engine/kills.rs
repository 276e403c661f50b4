//! Killed at any moment, run again: the dataset of an undisturbed run, byte for byte.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::tempdir;

use crate::common::{self, fixture};
use crate::tree::{assert_same, tree};

/// A real slide where there is one, else a drawn one: the claim is the same, the real one is asked
/// for by those who do not trust our drawings.
fn slide(test: &str) -> PathBuf {
    match common::data_or_skip(&format!("{test} (real slide)")) {
        Some(data) => data.join("wsi/aperio/cmu-1-small-region.svs"),
        None => fixture("slides/he-pyramid.tif"),
    }
}

/// A chain with all grains: a listing, images, groups that leave something, images again.
const CHAIN: &str = "microtome: 1
steps:
  - scan
  - tile: {level: 0, tile_px: 256, stride_px: 96, min_tissue: 0.1, format: jpeg}
  - fit-stain: {per: cohort}
  - stain-normalize: {format: jpeg}
";

fn start(slide: &Path, out: &Path, layout: &[&str]) -> Child {
    let chain = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kills.yaml");
    // Tests run side by side: whoever reads it sees the whole file.
    if std::fs::read(&chain).ok().as_deref() != Some(CHAIN.as_bytes()) {
        let part = chain.with_extension(format!("{:?}", std::thread::current().id()));
        std::fs::write(&part, CHAIN).unwrap();
        std::fs::rename(&part, &chain).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_microtome"))
        .args(["run".as_ref(), chain.as_os_str(), slide.as_os_str()])
        .args(["-o".as_ref(), out.as_os_str()])
        .args(["--threads", "2"])
        .args(layout)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs to the end; gives the seconds it took.
fn whole(slide: &Path, out: &Path, layout: &[&str]) -> f64 {
    let begun = Instant::now();
    let output = start(slide, out, layout).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    begun.elapsed().as_secs_f64()
}

/// Moments spread over a run without a clock's help: a Weyl sequence, so that each run of the test
/// tries others only if the machine's pace differs.
fn moments(seconds: f64) -> impl Iterator<Item = Duration> {
    (1..)
        .map(move |n| Duration::from_secs_f64(seconds * (f64::from(n) * 0.618_033_988_749).fract()))
}

#[test]
fn killed_at_any_moment_and_run_again() {
    let slide = slide("killed_at_any_moment_and_run_again");
    for layout in [&["--loose"][..], &["--pack", "2MB"][..]] {
        let undisturbed = tempdir().unwrap();
        let mut seconds = whole(&slide, undisturbed.path(), layout);
        let wanted = tree(undisturbed.path());
        assert!(wanted.len() > 5, "{wanted:?}");
        // Twelve kills at work for each layout, three of them in each dataset before it may end. A
        // kill that comes after the end proves nothing and does not count.
        let (mut killed_at_work, mut round) = (0, 0);
        let mut parts = moments(1.0).map(|moment| moment.as_secs_f64());
        while killed_at_work < 12 {
            assert!(round < 40, "only {killed_at_work} kills came before the end");
            let out = tempdir().unwrap();
            for _ in 0..3 {
                let mut child = start(&slide, out.path(), layout);
                std::thread::sleep(Duration::from_secs_f64(seconds * parts.next().unwrap()));
                child.kill().unwrap();
                let status = child.wait().unwrap();
                killed_at_work += usize::from(status.signal() == Some(9));
            }
            // The shortest run so far: the machine may have been busy with other tests before.
            seconds = seconds.min(whole(&slide, out.path(), layout).max(0.02));
            assert_same(&wanted, &tree(out.path()), &format!("round {round}, {layout:?}"));
            round += 1;
        }
    }
}

#[test]
fn told_to_stop_it_ends_in_two_seconds_with_the_right_code() {
    let slide = slide("told_to_stop_it_ends_in_two_seconds_with_the_right_code");
    let undisturbed = tempdir().unwrap();
    let seconds = whole(&slide, undisturbed.path(), &[]);
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let (mut out, mut at_work, mut scale) = (tempdir().unwrap(), 0, 1.0);
        for moment in moments(seconds).take(40) {
            let mut child = start(&slide, out.path(), &[]);
            std::thread::sleep(moment.mul_f64(scale).max(Duration::from_millis(60)));
            let kill = ["-s", signal, &child.id().to_string()].map(String::from);
            Command::new("kill").args(kill).status().unwrap();
            let told = Instant::now();
            let status = child.wait().unwrap();
            assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
            match status.code() {
                Some(c) if c == code => at_work += 1,
                // It was done before the signal came: anew, and sooner. The machine may have been busy before.
                Some(0) => (out, scale) = (tempdir().unwrap(), scale * 0.8),
                _ => panic!("{signal}: {status:?}"),
            }
            if at_work == 4 {
                break;
            }
        }
        assert!(at_work > 0, "no {signal} came while it was at work");
        whole(&slide, out.path(), &[]);
        assert_same(&tree(undisturbed.path()), &tree(out.path()), signal);
    }
}
