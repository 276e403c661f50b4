//! Damaged manifests: the right answer or an error, never a panic, a hang or memory without bound.

use std::io::Cursor;

use microtome::Error;
use microtome::manifest::{Item, ManifestReader, Schema, read_list};

use crate::made;

fn bytes() -> (Vec<u8>, Vec<Item>) {
    let items: Vec<Item> = (0..500).map(made::item).collect();
    let folder = tempfile::tempdir().unwrap();
    made::write(folder.path(), items.clone());
    (std::fs::read(folder.path().join("manifest.parquet")).unwrap(), items)
}

fn read(bytes: &[u8]) -> microtome::Result<(Schema, Vec<Item>)> {
    let bytes: std::sync::Arc<[u8]> = bytes.into();
    let reader = ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone()))))?;
    Ok((reader.schema().clone(), reader.read_all()?))
}

fn is_said_well(error: &Error) {
    assert!(matches!(error, Error::Format { .. } | Error::Schema { .. }), "{error:?}");
    assert!(error.to_string().len() < 600, "{error}");
}

#[test]
fn a_cut_file_is_an_error_wherever_it_is_cut() {
    let (bytes, items) = bytes();
    assert!(read(&bytes).unwrap().1 == items);
    let step = (bytes.len() / 400).max(1);
    for end in (0..bytes.len()).step_by(step).chain(bytes.len() - 12..bytes.len()) {
        is_said_well(&read(&bytes[..end]).unwrap_err());
        // The end without its beginning.
        is_said_well(&read(&bytes[bytes.len() - end..]).unwrap_err());
        let mut list = b"PAR1".to_vec();
        list.extend_from_slice(&bytes[bytes.len() - end..]);
        let _ = read_list("list", &list);
    }
}

#[test]
fn flipped_bits_are_an_error_or_harmless() {
    let (bytes, _) = bytes();
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let footer = bytes.len() - 6000;
    let (mut errors, before) = (0, peak());
    for round in 0..600 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + round % 3 {
            // Half of them where the structure lies.
            let at = if round % 2 == 0 { footer + next(6000) } else { next(bytes.len()) };
            damaged[at] ^= 1 << next(8);
        }
        let _ = read_list("list", &damaged);
        match read(&damaged) {
            Err(error) => {
                is_said_well(&error);
                errors += 1;
            }
            // Parquet has no checksums of values: what can be read is read, whole.
            Ok((_, items)) => assert!(items.len() <= 1000, "{}", items.len()),
        }
    }
    assert!(errors > 100, "{errors} errors");
    assert!(peak() - before < 1 << 20, "{} KiB more", peak() - before);
}

/// Largest memory so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
