//! What a run leaves, however it was cut up.

use std::collections::BTreeMap;
use std::path::Path;

use microtome::digest::Digest;

/// Files that a whole run leaves, by path, with their digests; those that tell when and how it ran are left out.
pub fn left(root: &Path) -> BTreeMap<String, Digest> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let own = name.contains("/part-")
                || name.starts_with("runs/")
                || name.starts_with("failures/");
            if path.is_dir() {
                folders.push(path);
            } else if !own && !["run.json", "report.html", "report.json"].contains(&name.as_str()) {
                files.insert(name, Digest::of(&std::fs::read(&path).unwrap()));
            }
        }
    }
    files
}
