//! Results as people read them.

use std::fmt::Write;

use indicatif::{HumanBytes, HumanCount};
use serde_json::{Value, json};

use crate::dataset::Root;
use crate::describe::{self, first_paragraph, reflow};
use crate::engine::{MergeSummary, Summary};
use crate::error::Result;
use crate::step::Entry;

/// A file below a root, as people name it.
pub fn below(root: &Root, file: &str) -> String {
    format!("{}/{file}", root.uri().trim_end_matches('/'))
}

/// `1 unit`, `2,345 units`: a count with its noun.
pub fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

/// What a run did.
pub fn summary(summary: &Summary, out: &Root) -> String {
    let mut text = String::new();
    for step in &summary.steps {
        let _ = writeln!(
            text,
            "{} {}: {} ({} made, {} found done, {} failed), {}, {} ({} written), {:.1} s",
            step.step,
            step.version,
            counted(step.units, "unit"),
            HumanCount(step.made),
            HumanCount(step.hits),
            HumanCount(step.failures),
            counted(step.items, "item"),
            HumanBytes(step.bytes_out),
            HumanBytes(step.bytes_written),
            step.seconds,
        );
    }
    if let Some(last) = summary.steps.last() {
        let shard = summary.shard.as_ref().map(|s| format!(", shard {s}")).unwrap_or_default();
        let _ = writeln!(text, "{} (manifest {}{shard})", out.uri(), last.manifest.short());
    }
    text
}

/// What a merge did.
pub fn merged(merged: &MergeSummary, out: &Root) -> String {
    format!(
        "{}: {}, {} failed, {}, {} brought\n{} (manifest {})\n",
        counted(merged.shards.into(), "shard"),
        counted(merged.units, "unit"),
        HumanCount(merged.failures),
        counted(merged.items, "item"),
        counted(merged.files_brought, "file"),
        out.uri(),
        merged.manifest.short(),
    )
}

/// The list of steps.
pub fn steps(steps: &'static [Entry]) -> String {
    let width = steps.iter().map(|e| e.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for entry in steps {
        let does = first_paragraph(&describe::doc(entry));
        let _ = writeln!(
            text,
            "{:width$}  {:8} {:8} {does}",
            entry.name,
            entry.version,
            entry.grain.name()
        );
    }
    text
}

/// A step in the list, as JSON.
pub fn line(entry: &Entry) -> Value {
    json!({
        "step": entry.name,
        "version": entry.version,
        "grain": entry.grain.name(),
        "does": first_paragraph(&describe::doc(entry)),
    })
}

/// The whole declaration of a step as JSON: its schemas.
pub fn declaration(entry: &Entry) -> Value {
    let mut value = line(entry);
    value["params"] = describe::params_schema(entry);
    value["input"] = describe::input_schema(entry);
    value["output"] = describe::output_schema(entry);
    value
}

/// A step with its params and columns.
///
/// # Errors
/// As [`describe::params`].
pub fn step(entry: &Entry) -> Result<String> {
    let mut text = format!(
        "{} {} ({})\n\n{}\n\nParams\n",
        entry.name,
        entry.version,
        entry.grain.name(),
        page(&describe::doc(entry))
    );
    for param in describe::params(entry)? {
        let default = param.default_text().map(|d| format!(", default {d}")).unwrap_or_default();
        let range = param.range().map(|r| format!(", {r}")).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} <{}{range}{default}>\n      {}",
            param.flag(),
            param.shape.name(),
            first_paragraph(&param.doc)
        );
    }
    if !entry.reads.is_empty() {
        text.push_str("\nReads\n");
    }
    for column in entry.reads {
        let _ = writeln!(
            text,
            "  {} ({})\n      {}; `{}` makes it",
            column.name,
            column.kind.json_name(),
            column.doc,
            column.made_by
        );
    }
    text.push_str("\nAdds\n");
    for fact in entry.facts() {
        let null = if fact.nullable { " or null" } else { "" };
        let _ = writeln!(
            text,
            "  {} ({}{null})\n      {}",
            fact.field.name,
            fact.field.kind.json_name(),
            first_paragraph(&fact.doc)
        );
    }
    Ok(text)
}

/// A doc comment as a page of the help: its headings in capitals, its paragraphs in one line each.
pub fn page(doc: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in reflow(doc).lines() {
        match line.strip_prefix('#') {
            Some(heading) => lines.push(heading.trim_start_matches('#').trim().to_uppercase()),
            None => lines.push(line.to_string()),
        }
    }
    lines.join("\n")
}
