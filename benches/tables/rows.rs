//! The rows: by arithmetic, so that every program has the same.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use microtome::digest::Digest;
use microtome::manifest::{Field, Item, Kind, ManifestWriter, Schema};

/// Classes of the table.
pub const CLASSES: u32 = 10;
/// Patients of the table.
pub const PATIENTS: u32 = 20_000;

/// A row: its class and its patient.
#[derive(Clone, Copy)]
pub struct Row {
    pub class: u32,
    pub patient: u32,
    pub slide: u32,
    pub digest: [u8; 32],
}

/// The n-th row. Its bits are those of the digest of its number.
pub fn row(n: u64) -> Row {
    let digest = Digest::of(&n.to_le_bytes());
    let bytes = digest.as_bytes();
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    // Rows of one patient follow each other; sizes go as the square of an even spread.
    let (share, patients) = (n % 1_000_003, u64::from(PATIENTS));
    let patient = (share * share / 1_000_003 * patients / 1_000_003) as u32;
    let class = (word(16).leading_zeros() + patient % 2).min(CLASSES - 1);
    Row { class, patient, slide: word(20) % 3, digest: *bytes }
}

/// Writes a dataset of so many rows that has a manifest and nothing else.
pub fn make(folder: &str, rows: u64) {
    std::fs::create_dir_all(folder).expect("a folder");
    let file = File::create(Path::new(folder).join("manifest.parquet")).expect("a file");
    let field = |name: &str, kind| Field { name: name.into(), kind };
    let facts = vec![
        field("tile.source_id", Kind::Text),
        field("tile.x_px", Kind::Float),
        field("tile.y_px", Kind::Float),
        field("tile.tissue_fraction", Kind::Float),
    ];
    let mut writer =
        ManifestWriter::new(BufWriter::new(file), Schema { facts }).expect("a manifest");
    for n in 0..rows {
        let Row { class, patient, slide, digest } = row(n);
        let source = format!("patient-{patient:05}/slide-{slide}.svs");
        let (x, y) = (n % 200 * 256, n / 200 % 200 * 256);
        let item = Item {
            id: format!("{source}/{n:010}.jpg"),
            path: format!("packs/{patient:012x}@{slide:012x}.tar"),
            offset: Some(n % 4096 * 20_480 + 512),
            length: 20_000,
            digest: Digest::of(&n.to_le_bytes()),
            media_type: "image/jpeg".into(),
            width_px: Some(256),
            height_px: Some(256),
            label: Some(format!("class-{class}")),
            group: Some(format!("patient-{patient:05}")),
            split: None,
            weight: None,
            trail: Digest::of(source.as_bytes()).to_string(),
            facts: vec![
                source.into(),
                (x as f64).into(),
                (y as f64).into(),
                (f64::from(digest[0]) / 255.0).into(),
            ],
        };
        writer.push(item).expect("a row");
    }
    writer.finish().expect("a manifest");
}
