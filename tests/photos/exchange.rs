//! Pictures that go to another program and come back from it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use microtome::image::Image;

/// A picture of noise over shades: no two rows or columns are alike.
pub fn noisy(width: u32, height: u32, channels: u8) -> Image {
    let data = (0..width * height * u32::from(channels)).map(|i| {
        let noise = (i.wrapping_mul(2_654_435_761) ^ i.wrapping_mul(40_503) >> 7) >> 24;
        (noise / 2 + (i / u32::from(channels) % width) / 3 % 128) as u8
    });
    Image::from_u8(width, height, channels, data.collect()).unwrap()
}

/// What a Python script with these arguments makes of the bytes on its stdin.
pub fn run(python: &Path, script: &str, arguments: &[String], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed");
    output.stdout
}

/// How many samples differ, and by how much at most.
pub fn difference(ours: &[u8], theirs: &[u8]) -> (usize, u8) {
    assert_eq!(ours.len(), theirs.len());
    let far = ours.iter().zip(theirs).map(|(a, b)| a.abs_diff(*b));
    (far.clone().filter(|d| *d > 0).count(), far.max().unwrap_or(0))
}
