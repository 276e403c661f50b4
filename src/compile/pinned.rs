//! Images that a registry names.

use semver::{Comparator, Op, Version, VersionReq};

use crate::describe::differs;
use crate::describe::interface::MERGE;
use crate::error::{Error, Result};
use crate::registry::Registry;
use crate::step::Entry;

/// The image that a registry has for a step of this program (or `merge`).
///
/// It is the one of the very version that is here: params were checked by it, and only it is known to give the bytes of
/// `microtome run`. Which versions the pipeline file allows was asked before.
///
/// # Errors
/// [`Error::Params`] when the registry lacks that version, or has it with other schemas.
pub fn pinned(registry: &Registry, steps: &'static [Entry], name: &str) -> Result<String> {
    let entry = steps.iter().find(|entry| entry.name == name);
    let version = match entry {
        Some(entry) => entry.version,
        None if name == MERGE => env!("CARGO_PKG_VERSION"),
        None => return Err(Error::Bug { message: format!("there is no step `{name}`") }),
    };
    let Version { major, minor, patch, pre, .. } = Version::parse(version)
        .map_err(|e| Error::Bug { message: format!("version of `{name}`: {e}") })?;
    let same = Comparator { op: Op::Exact, major, minor: Some(minor), patch: Some(patch), pre };
    let newest = registry.find(name)?;
    let refused = |found: String| {
        let message = format!(
            "this program has {version}, and the registry has {found}: use the index of this program's release, or a \
             program of the registry's"
        );
        Error::params(format!("--registry: {name}"), message)
    };
    let range = VersionReq { comparators: vec![same] };
    let Ok(component) = registry.pin(name, &range) else {
        return Err(refused(format!("none like it ({} is the newest)", newest.version)));
    };
    let differs = differs(component, entry)?;
    match differs.is_empty() {
        true => Ok(component.image.clone()),
        false => Err(refused(format!("one that is not the same ({})", differs.join(", ")))),
    }
}
