//! PNG files of ours, read back by other programs.

use std::process::Command;

use microtome::image::{Image, Samples, png};

use crate::common;

const READ: &str = r#"
import sys
import numpy as np
from PIL import Image
for name in sys.argv[1:]:
    im = Image.open(name)
    print(im.mode, im.size, np.asarray(im).astype(int).sum(), np.asarray(im).tobytes()[:16].hex())
"#;

#[test]
fn pillow_reads_what_we_write() {
    let name = "pillow_reads_what_we_write";
    let Some(python) = common::python_or_skip(name, &["numpy", "PIL"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut paths, mut expected) = (Vec::new(), String::new());
    for (channels, mode) in [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")] {
        let count = 37 * 19 * channels;
        let data: Vec<u8> = (0..count).map(|i| (i * i / 7 % 256) as u8).collect();
        let sum: u64 = data.iter().map(|&v| u64::from(v)).sum();
        let hex: String = data[..16].iter().map(|b| format!("{b:02x}")).collect();
        expected += &format!("{mode} (37, 19) {sum} {hex}\n");
        let image = Image::from_u8(37, 19, channels as u8, data).unwrap();
        paths.push(folder.path().join(format!("{mode}.png")));
        std::fs::write(paths.last().unwrap(), png::encode(&image).unwrap()).unwrap();
    }
    let deep: Vec<u16> = (0..37 * 19).map(|i| (i * 93) as u16).collect();
    let sum: u64 = deep.iter().map(|&v| u64::from(v)).sum();
    let hex: String =
        deep[..8].iter().flat_map(|v| v.to_le_bytes()).map(|b| format!("{b:02x}")).collect();
    expected += &format!("I;16 (37, 19) {sum} {hex}\n");
    let image = Image::new(37, 19, 1, Samples::U16(deep)).unwrap();
    paths.push(folder.path().join("deep.png"));
    std::fs::write(paths.last().unwrap(), png::encode(&image).unwrap()).unwrap();
    let output = Command::new(python).args(["-c", READ]).args(&paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
