//! Stained images and what other programs make of them. None of it belongs to the project: tests that
//! miss it say that they were skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use microtome::image::photo;
use microtome::stain::{FastFit, FitOptions, Fitted, Gates, Pool, Status, fit, fit_rgb};
use serde_json::Value;

/// An image's size (width, height) and its bytes: R, G, B.
#[derive(Clone)]
pub struct Rgb {
    pub width: usize,
    pub height: usize,
    pub bytes: Vec<u8>,
}

impl Rgb {
    pub fn read(path: &Path) -> Self {
        let image = photo::decode(&std::fs::read(path).unwrap(), 1 << 30).unwrap();
        let channels = usize::from(image.channels());
        assert!(channels >= 3, "{}: {channels} channels", path.display());
        let bytes = image.as_u8().unwrap().chunks_exact(channels).flat_map(|p| [p[0], p[1], p[2]]);
        Self {
            width: image.width_px() as usize,
            height: image.height_px() as usize,
            bytes: bytes.collect(),
        }
    }

    /// One of the stained images, by name.
    pub fn stained(stain: &Path, name: &str) -> Self {
        Self::read(&stain.join("images").join(format!("{name}.png")))
    }

    pub fn crop(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> Self {
        assert!(x + width <= self.width && y + height <= self.height);
        let row = |row: usize| {
            let start = ((y + row) * self.width + x) * 3;
            self.bytes[start..start + width * 3].to_vec()
        };
        Self { width, height, bytes: (0..height).flat_map(row).collect() }
    }
}

/// Where results go.
pub fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// What was written down of other programs' results.
pub fn numbers(stain: &Path) -> Value {
    let text = std::fs::read_to_string(stain.join("reference/reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn vector<const N: usize>(value: &Value) -> [f64; N] {
    let list = value.as_array().unwrap();
    assert_eq!(list.len(), N);
    std::array::from_fn(|k| list[k].as_f64().unwrap())
}

/// Rows hematoxylin and eosin of a matrix whose columns they are.
pub fn columns(value: &Value) -> [[f64; 3]; 2] {
    let rows: [[f64; 2]; 3] = std::array::from_fn(|c| vector(&value[c]));
    [0, 1].map(|stain| [0, 1, 2].map(|c| rows[c][stain]))
}

/// Gates that everything passes which has two stains: for comparisons with programs that have none.
pub fn no_gates() -> Gates {
    Gates {
        min_tissue_px: 1,
        min_tissue_fraction: 0.0,
        stain_angle_deg: (0.0, 180.0),
        max_condition: 1e9,
        max_reference_angle_deg: 180.0,
    }
}

/// Fits in all ways, holds them to one another, and gives the exact one.
pub fn fit_all_ways(rgb: &[u8], options: &FitOptions) -> Fitted {
    let exact = fit(&Pool::of_rgb(rgb), options);
    let fast = fit_rgb(rgb, options);
    assert_eq!((fast.status, fast.measured), (exact.status, exact.measured));
    let stains = |fitted: &Fitted| fitted.profile.as_ref().and_then(|profile| profile.stains);
    assert_eq!(stains(&fast), stains(&exact));
    let moments = |fitted: &Fitted| fitted.profile.as_ref().and_then(|profile| profile.lab);
    assert_eq!(moments(&fast), moments(&exact));
    // The same pixels from the last to the first.
    let reversed: Vec<u8> = rgb.as_chunks::<3>().0.iter().rev().flatten().copied().collect();
    let turned = fit_rgb(&reversed, options);
    assert_eq!((turned.status, moments(&turned)), (exact.status, moments(&exact)));
    // Once more with what the first image left behind.
    let mut again = FastFit::new(options);
    again.fit(&[40, 30, 200, 100, 30, 70]);
    assert_eq!(again.fit(rgb), FastFit::new(options).fit(rgb));
    assert_whole(&exact);
    assert_whole(&fast);
    exact
}

/// No number that is none, and a profile exactly where the status is good.
pub fn assert_whole(fitted: &Fitted) {
    assert_eq!(fitted.profile.is_some(), fitted.status == Status::Ok);
    let measured = &fitted.measured;
    let numbers = [measured.angle_deg, measured.condition].into_iter().flatten();
    let all = numbers.chain(measured.reference_angles_deg.into_iter().flatten());
    assert!(all.into_iter().all(f64::is_finite), "{measured:?}");
    if let Some(profile) = &fitted.profile {
        profile.check().unwrap();
        // JSON has no number for what is none: it would come back as null, and be refused.
        let text = serde_json::to_string(profile).unwrap();
        assert_eq!(&serde_json::from_str::<microtome::stain::Profile>(&text).unwrap(), profile);
    }
}

/// Runs Python text with arguments; what it printed, as JSON.
pub fn python(python: &Path, text: &str, arguments: &[&str]) -> Value {
    let output = Command::new(python).arg("-c").arg(text).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
