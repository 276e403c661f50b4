//! Rows of the camera-trap benches: what `filter-background` spends its time on besides decoding.

use std::hint::black_box;

use microtome::background::foreground::{Rule, difference, mask, noise, thresholds};
use microtome::background::median::Median;
use microtome::background::phash::phash;

/// A row: its name, and one run of what it measures.
pub type Row = (&'static str, Box<dyn FnMut()>);

const SIZE: (usize, usize) = (512, 384);

/// A grey scene with noise, from a fixed walk; `n` numbers the frames.
fn frame(n: usize, channels: usize) -> Vec<u8> {
    let mut state = n as u64 * 77 + 1;
    let sample = |at: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let noise = (state >> 60) as usize;
        ((at / 7 % 180) + noise) as u8
    };
    (0..SIZE.0 * SIZE.1 * channels).map(sample).collect()
}

fn of_frames(name: &'static str, count: usize) -> Row {
    let frames: Vec<Vec<u8>> = (0..count).map(|n| frame(n, 1)).collect();
    let mut made = vec![0; SIZE.0 * SIZE.1];
    let mut median = Median::new(count).expect("a network of so many frames");
    let run = move || {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        median.of(black_box(&frames), &mut made).expect("a median");
        black_box(&made);
    };
    (name, Box::new(run))
}

fn hash(name: &'static str) -> Row {
    let picture = frame(1, 1);
    (
        name,
        Box::new(move || {
            black_box(phash(black_box(&picture), SIZE.0));
        }),
    )
}

/// What stands out of one RGB frame: difference, noise, mask.
fn foreground(name: &'static str) -> Row {
    let (picture, still, spread) = (frame(1, 3), frame(2, 3), vec![2; SIZE.0 * SIZE.1]);
    let run = move || {
        let apart = difference(black_box(&picture), black_box(&still), 3);
        let rule = thresholds(Rule { least: 12, k: 4.0 }, noise(&apart));
        black_box(mask(&apart, &spread, &rule, SIZE.0));
    };
    (name, Box::new(run))
}

/// The rows.
pub fn rows() -> Vec<Row> {
    vec![
        of_frames("median of 10 frames, 512x384 grey", 10),
        of_frames("median of 51 frames, 512x384 grey", 51),
        hash("phash, 512x384 grey"),
        foreground("foreground of a frame, 512x384 rgb"),
    ]
}
