//! `microtome steps --registry`: what an index of components has, beside the steps of this program.

use std::fmt::Write;

use serde_json::{Value, json};

use super::print;
use crate::dataset::{self, read_file_within};
use crate::describe::differs;
use crate::error::{Error, Result};
use crate::registry::{self, Component, Registry};
use crate::steps;

/// Reads an index of components.
///
/// # Errors
/// As [`read_file_within`] and [`Registry::parse`].
pub fn read(place: &str) -> Result<Registry> {
    let bytes = read_file_within(place, registry::MOST_BYTES)?;
    // No credentials in what is said of it.
    Registry::parse(&dataset::shown(place), &bytes)
}

/// Shows an index, or one of its components.
///
/// # Errors
/// As [`read()`]; [`Error::Params`] when it has no component of that name.
pub fn list(place: &str, name: Option<&str>, json: bool) -> Result<u8> {
    let registry = read(place)?;
    let mut shown: Vec<&Component> = registry.components.iter().collect();
    if let Some(name) = name {
        // Says what there is.
        registry.find(name)?;
        shown.retain(|component| component.name == name);
    }
    shown.sort_by(|a, b| (&a.name, &b.version).cmp(&(&b.name, &a.version)));
    let here = |component: &Component| differs(component, steps::find(&component.name));
    let lines = shown.into_iter().map(|c| Ok((c, here(c)?))).collect::<Result<Vec<_>>>()?;
    let names = steps::STEPS.iter().map(|entry| entry.name);
    let absent: Vec<&str> = names
        .filter(|step| name.is_none() && !lines.iter().any(|(there, _)| there.name == *step))
        .collect();
    if json {
        let components =
            lines.iter().map(|(c, differs)| line(c, differs)).collect::<Result<Vec<_>>>()?;
        print::json(&json!({"components": components, "only_here": absent}))?;
    } else {
        print::result(&table(&lines, &absent))?;
    }
    Ok(0)
}

/// A component as the index has it, and what is otherwise here.
fn line(component: &Component, differs: &[String]) -> Result<Value> {
    let mut line = serde_json::to_value(component)
        .map_err(|e| Error::Bug { message: format!("a component is no JSON: {e}") })?;
    line["differs"] = json!(differs);
    Ok(line)
}

fn table(lines: &[(&Component, Vec<String>)], absent: &[&str]) -> String {
    let width = |of: &dyn Fn(&Component) -> usize| {
        lines.iter().map(|(component, _)| of(component)).max().unwrap_or_default()
    };
    let name = width(&|c| c.name.len());
    let version = width(&|c| c.version.to_string().len());
    let image = width(&|c| c.image.len());
    let mut text = String::new();
    for (component, differs) in lines {
        let here = if differs.is_empty() { "as here".into() } else { differs.join(", ") };
        let _ = writeln!(
            text,
            "{:name$}  {:version$}  {:12}  {:image$}  {here}",
            component.name,
            component.version.to_string(),
            component.stability.name(),
            component.image,
        );
        for gone in &component.deprecations {
            let what = gone.input.as_deref().map(|input| format!(" {input}")).unwrap_or_default();
            let _ = writeln!(text, "    deprecated{what}: {}", gone.words);
        }
    }
    if !absent.is_empty() {
        let _ = writeln!(text, "only here: {}", absent.join(", "));
    }
    text
}
