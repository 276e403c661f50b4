//! Arrays read back by the programs that they are for.

use std::collections::BTreeMap;
use std::process::Command;

use half::f16;
use microtome::image::array::Numbers;
use microtome::image::{npy, safetensors};

use crate::common;

/// Reads `name.npy` and `name.safetensors` and prints shape, type, memory order and bytes of both, and
/// compares the npy file with what numpy itself writes.
const READ: &str = r#"
import io, sys
import numpy as np
from safetensors import safe_open
for name in ("bytes", "halves", "floats"):
    a = np.load(f"{sys.argv[1]}/{name}.npy")
    again = io.BytesIO()
    np.save(again, a)
    with safe_open(f"{sys.argv[1]}/{name}.safetensors", "np") as f:
        keys, b, meta = f.keys(), f.get_tensor("image"), f.metadata()
    same = again.getvalue() == open(f"{sys.argv[1]}/{name}.npy", "rb").read()
    print(name, a.shape, a.dtype.str, a.flags["C_CONTIGUOUS"], same, a.tobytes().hex())
    print(list(keys), b.shape, b.dtype.str, sorted(meta.items()), b.tobytes().hex())
"#;

#[test]
fn numpy_and_safetensors_read_what_we_write() {
    let name = "numpy_and_safetensors_read_what_we_write";
    let Some(python) = common::python_or_skip(name, &["numpy", "safetensors"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..24).map(|i| i * 11).collect();
    let halves: Vec<f16> = (0..24).map(|i| f16::from_f32(i as f32 / 7.0 - 1.5)).collect();
    let floats: Vec<f32> = (0..24).map(|i| i as f32 / 7.0 - 1.5).collect();
    let metadata: BTreeMap<String, String> =
        [("layout", "chw"), ("channels", "rgb \"é\"")].map(|(k, v)| (k.into(), v.into())).into();
    let mut expected = String::new();
    let arrays = [
        ("bytes", "|u1", Numbers::U8(&bytes)),
        ("halves", "<f2", Numbers::F16(&halves)),
        ("floats", "<f4", Numbers::F32(&floats)),
    ];
    for (name, kind, numbers) in arrays {
        let write = |ending: &str, bytes: Vec<u8>| {
            std::fs::write(folder.path().join(format!("{name}.{ending}")), bytes).unwrap();
        };
        write("npy", npy::encode(&[2, 3, 4], numbers).unwrap());
        write("safetensors", safetensors::encode(&[2, 3, 4], numbers, &metadata).unwrap());
        let raw: Vec<u8> = match numbers {
            Numbers::U8(v) => v.to_vec(),
            Numbers::F16(v) => v.iter().flat_map(|n| n.to_bits().to_le_bytes()).collect(),
            Numbers::F32(v) => v.iter().flat_map(|n| n.to_bits().to_le_bytes()).collect(),
        };
        let hex: String = raw.iter().map(|b| format!("{b:02x}")).collect();
        expected += &format!("{name} (2, 3, 4) {kind} True True {hex}\n");
        expected += &format!(
            "['image'] (2, 3, 4) {kind} [('channels', 'rgb \"é\"'), ('layout', 'chw')] {hex}\n"
        );
    }
    let output = Command::new(python)
        .env("PYTHONIOENCODING", "utf-8")
        .args(["-c", READ, &folder.path().display().to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
