//! The README's table of steps and their params.

use std::fmt::Write;

use super::{first_paragraph, params};
use crate::error::{Error, Result};
use crate::step::Entry;

/// Where the generated part of the README begins.
pub const BEGIN: &str = "<!-- steps:begin -->";
/// Where it ends.
pub const END: &str = "<!-- steps:end -->";

/// The README with the part between [`BEGIN`] and [`END`] made anew.
///
/// # Errors
/// [`Error::Format`] when a marker is missing.
pub fn readme(text: &str, steps: &'static [Entry]) -> Result<String> {
    let missing =
        |marker: &str| Error::format("README.md", format!("the line {marker} is missing"));
    let (before, rest) = text.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
    Ok(format!("{before}{BEGIN}\n{}{END}{after}", tables(steps)?))
}

fn tables(steps: &'static [Entry]) -> Result<String> {
    let mut text = String::from("| step | version | grain | does |\n|---|---|---|---|\n");
    for entry in steps {
        let does = cell(&first_paragraph(&super::doc(entry)));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {does} |",
            entry.name,
            entry.version,
            entry.grain.name()
        );
    }
    for entry in steps {
        let _ = write!(
            text,
            "\n<details><summary>Params of <code>{}</code></summary>\n\n\
             | flag | values | default | is |\n|---|---|---|---|\n",
            entry.name
        );
        for param in params(entry)? {
            let range = param.range().map(|r| format!(", {r}")).unwrap_or_default();
            let _ = writeln!(
                text,
                "| `{}` | {}{range} | {} | {} |",
                param.flag(),
                cell(&param.shape.name()),
                param.default_text().map(|d| format!("`{}`", cell(&d))).unwrap_or_default(),
                cell(&first_paragraph(&param.doc)),
            );
        }
        text.push_str("\n</details>\n");
    }
    Ok(text)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
