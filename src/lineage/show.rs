//! Explanations, contrasts, differences and check reports in words.

use std::fmt::{self, Display, Formatter};

use indicatif::HumanCount;
use serde_json::Value;

use super::check::CheckReport;
use super::contrast::{Change, Contrast};
use super::links::{Link, Origin};
use super::params::Param;
use super::whole::WholeWords;
use super::why::{Explanation, Subject};

/// Longest value that is written out, in characters.
const VALUE_CHARACTERS: usize = 100;

/// Text of others, on one line and without anything that could steer a terminal.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A value on one line, cut where it is long.
pub(super) fn value(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = plain(&text);
    match text.char_indices().nth(VALUE_CHARACTERS) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

/// The ops of a policy that stands in a column, each on its line and in full: what was drawn is what one asks
/// for. `None` for any other value.
fn ops(value: &Value) -> Option<Vec<String>> {
    let policy: Value =
        serde_json::from_str(value.as_str().filter(|t| t.starts_with('{'))?).ok()?;
    let ops = policy.get("ops")?.as_array()?;
    Some(ops.iter().map(ToString::to_string).collect())
}

fn params(f: &mut Formatter<'_>, params: &[Param]) -> fmt::Result {
    let (changed, same): (Vec<_>, Vec<_>) = params.iter().partition(|p| p.is_changed());
    let mut line = |head: &str, params: &[&Param]| match params {
        [] => Ok(()),
        params => {
            let words: Vec<String> =
                params.iter().map(|p| format!("{}={}", p.name, value(&p.value))).collect();
            writeln!(f, "    {head:<10}{}", words.join("  "))
        }
    };
    line("params", &changed)?;
    line("defaults", &same)
}

fn origin(f: &mut Formatter<'_>, head: &str, origin: &Origin) -> fmt::Result {
    writeln!(f, "    {head:<10}{} ({} bytes)", plain(&origin.id), origin.length)?;
    writeln!(f, "    {:<10}{}", "path", plain(&origin.path))
}

impl Display for Explanation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Item { manifest, columns } => {
                let text = |name: &str| columns.get(name).map(value).unwrap_or_default();
                writeln!(f, "item {}", text("id"))?;
                writeln!(f, "    {:<10}{}", "manifest", plain(manifest))?;
                let place = match columns.get("offset") {
                    Some(offset) => format!("{} at byte {offset}", text("path")),
                    None => text("path"),
                };
                writeln!(f, "    {:<10}{place} ({} bytes)", "file", text("length"))?;
                writeln!(f, "    {:<10}{}", "digest", text("digest"))?;
                let head = ["id", "path", "offset", "length", "digest"];
                for (name, v) in columns.iter().filter(|(n, _)| !head.contains(&n.as_str())) {
                    match ops(v) {
                        Some(ops) => {
                            writeln!(f, "    {name} =")?;
                            ops.iter().try_for_each(|op| writeln!(f, "        {}", plain(op)))?;
                        }
                        None => writeln!(f, "    {name} = {}", value(v))?,
                    }
                }
            }
            Subject::Record { key, items, examples } => {
                writeln!(f, "record {key}")?;
                writeln!(f, "    {:<10}{items}", "items")?;
                for id in examples {
                    writeln!(f, "        {}", plain(id))?;
                }
            }
        }
        for dropped in &self.dropped {
            writeln!(f, "dropped by {}@{}", plain(&dropped.step), plain(&dropped.version))?;
            for (name, v) in &dropped.facts {
                writeln!(f, "    {name} = {}", value(v))?;
            }
            if let Some(key) = &dropped.key {
                writeln!(f, "    {:<10}{key}", "key")?;
            }
        }
        for copy in &self.copies {
            writeln!(f, "copy {} of {}", copy.number, plain(&copy.id))?;
            writeln!(f, "    {:<10}{}, record {}", "drawn by", plain(&copy.step), copy.key)?;
        }
        for link in &self.links {
            link.fmt(f)?;
        }
        match &self.source {
            Some(source) => {
                writeln!(f, "source file")?;
                origin(f, "id", source)?;
                writeln!(f, "    {:<10}{}", "digest", source.digest)?;
            }
            None if matches!(self.subject, Subject::Record { .. }) && self.is_whole() => {
                writeln!(f, "source: all rows of the manifest before")?;
            }
            None => writeln!(f, "source file: no manifest within reach names it")?,
        }
        match &self.listed_by {
            Some(step) => {
                writeln!(f, "listed by {}@{}", plain(&step.step), plain(&step.version))?;
                params(f, &step.params)
            }
            None => Ok(()),
        }
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.found {
            return writeln!(f, "made by record {}, which no dataset within reach has", self.key);
        }
        for step in &self.steps {
            writeln!(f, "made by {}@{}", plain(&step.step), plain(&step.version))?;
            params(f, &step.params)?;
        }
        writeln!(f, "    {:<10}{}", "key", self.key)?;
        for (name, v) in &self.columns {
            writeln!(f, "    {:<10}{} = {}", "reads", plain(name), value(v))?;
        }
        if let Some(whole) = &self.whole {
            whole.fmt(f)?;
        } else if let Some(output) = &self.output {
            writeln!(f, "    {:<10}{} of {}", "output", plain(&output.name), self.outputs)?;
        } else {
            writeln!(f, "    {:<10}{}", "outputs", self.outputs)?;
        }
        match (&self.whole, &self.input) {
            (Some(whole), Some(input)) => {
                let rows = HumanCount(whole.rows_in);
                writeln!(f, "    {:<10}the manifest before ({rows} rows)", "input")?;
                writeln!(f, "    {:<10}{input} (of its items' digests, in order)", "")?;
            }
            (None, Some(input)) => writeln!(f, "    {:<10}{input}", "input")?,
            (_, None) => {}
        }
        if let Some(item) = &self.input_item {
            origin(f, "from", item)?;
        }
        writeln!(f, "    {:<10}microtome {}", "build", plain(&self.made_by))
    }
}

/// What a step over a whole manifest did.
impl Display for WholeWords {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (rows_in, rows_out) = (HumanCount(self.rows_in), HumanCount(self.rows_out));
        writeln!(f, "    {:<10}{rows_in} → {rows_out}", "rows")?;
        let ratio = |of: Option<f64>| of.map_or("–".into(), |ratio| format!("{ratio:.1}"));
        let effective = |of: f64| HumanCount(of.round() as u64);
        if let Some([before, after]) = &self.skew {
            writeln!(
                f,
                "    {:<10}commonest class by rarest {} → {}, effective rows {} → {}",
                "balance",
                ratio(before.imbalance_ratio),
                ratio(after.imbalance_ratio),
                effective(before.effective_rows),
                effective(after.effective_rows)
            )?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "    {:<10}{}", "note", plain(note)))
    }
}

fn changes(f: &mut Formatter<'_>, changes: &[Change]) -> fmt::Result {
    for change in changes {
        let (left, right) = (value(&change.left), value(&change.right));
        writeln!(f, "    {}: {left} → {right}", plain(&change.what))?;
    }
    Ok(())
}

impl Display for Contrast {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} → {}", plain(&self.left), plain(&self.right))?;
        match self.causes.as_slice() {
            [] => writeln!(f, "same causes")?,
            causes => {
                writeln!(f, "causes that differ")?;
                changes(f, causes)?;
            }
        }
        if !self.columns.is_empty() {
            writeln!(f, "columns that differ")?;
            changes(f, &self.columns)?;
        }
        Ok(())
    }
}

impl Display for CheckReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{}: {}: {}", problem.kind, plain(&problem.path), plain(&problem.message))?;
        }
        let listed = self.problems.len() as u64;
        if self.problem_count > listed {
            writeln!(f, "and {} more problems", self.problem_count - listed)?;
        }
        for path in &self.orphans {
            writeln!(f, "orphan: {}", plain(path))?;
        }
        let listed = self.orphans.len() as u64;
        if self.orphan_count > listed {
            writeln!(f, "and {} more orphans", self.orphan_count - listed)?;
        }
        writeln!(
            f,
            "{} records, {} outputs, {} packs, {} rows, {} source files, {} bytes: {} problems, {} orphans",
            self.records,
            self.outputs,
            self.packs,
            self.rows,
            self.sources,
            self.bytes,
            self.problem_count,
            self.orphan_count
        )
    }
}
