//! The sections of the page that look at the run: steps with their params, slow units, digests.

use maud::{Markup, html};
use serde_json::Value;

use super::findings::Findings;
use super::words::{bytes, count, number, seconds};
use crate::digest::Digest;
use crate::lineage::{Param, params_by_interest};
use crate::summary::{StepSummary, Summary};

/// Longest value that is written out, in characters; longer ones are told by their digest.
const VALUE_CHARACTERS: usize = 120;

/// What each step was asked for and what it did.
pub(super) fn steps(summary: &Summary) -> Markup {
    html! { (costs(summary)) @for (index, step) in summary.steps.iter().enumerate() { (one(index + 1, step)) } }
}

fn one(position: usize, step: &StepSummary) -> Markup {
    let params = params_by_interest(&step.step, &step.params);
    let changed: Vec<&Param> = params.iter().filter(|p| p.is_changed()).collect();
    let mut numbers = vec![
        ("units", count(step.units)),
        ("found done", count(step.hits)),
        ("made now", count(step.made)),
        ("failures", count(step.failures)),
        ("items", count(step.items)),
        ("bytes in", bytes(step.bytes_in)),
        ("bytes out", bytes(step.bytes_out)),
        ("written now", bytes(step.bytes_written)),
        ("time", seconds(step.seconds)),
    ];
    if step.dropped > 0 {
        numbers.insert(4, ("dropped", count(step.dropped)));
    }
    html! {
        div.box.step {
            h3 { (position) ". " (step.step) span.aside { "version " (step.version) } }
            @if changed.is_empty() { p.note style="margin-top:.3rem" { "All params at their defaults." } }
            @else { ul.params aria-label="Params that differ from their defaults" { @for param in &changed {
                li { code.changed { (param.name) " = " (shown(&param.value)) } }
            } } }
            dl.stack { @for (name, value) in &numbers { div { dt { (name) } dd { (value) } } } }
            details {
                summary { "All " (count(params.len() as u64)) " params" }
                div.scroll { table {
                    thead { tr { th scope="col" { "param" } th scope="col" { "value" } th scope="col" { "default" } } }
                    tbody { @for param in &params { tr {
                        th scope="row" { code { (param.name) } }
                        td { code.changed[param.is_changed()] { (shown(&param.value)) } }
                        td { @if let Some(default) = &param.default { code { (shown(default)) } } @else { "–" } }
                    } } }
                } }
            }
        }
    }
}

/// A value as people write it; long ones by their size and digest.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "none".to_string(),
        Value::String(text) if text.is_empty() => "\"\"".to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let length = text.chars().count();
    if length <= VALUE_CHARACTERS {
        return text;
    }
    let start: String = text.chars().take(60).collect();
    let digest = Digest::of(text.as_bytes()).short();
    match value {
        Value::Array(rows) => format!("{} rows, digest {digest}", count(rows.len() as u64)),
        _ => format!("{start}… ({} characters, digest {digest})", count(length as u64)),
    }
}

/// The units that took longest; `None` when nothing was made in this run.
pub(super) fn slowest(summary: &Summary) -> Option<Markup> {
    let slow: Vec<_> = summary.steps.iter().filter(|s| !s.slowest.is_empty()).collect();
    (!slow.is_empty()).then(|| {
        html! { div.pair { @for step in slow {
            div.box {
                h3 { (step.step) span.aside { "of " (count(step.made)) " made now" } }
                table {
                    thead { tr { th scope="col" { "unit" } th.number scope="col" { "time" } } }
                    tbody { @for (id, time) in step.slowest.iter().take(10) {
                        tr { th scope="row" { (id) } td.number { (seconds(*time)) } }
                    } }
                }
            }
        } } }
    })
}

/// Versions, params and digests of every step that led here, those of earlier datasets first.
pub(super) fn chain(summary: &Summary, findings: &Findings) -> Markup {
    let all = findings.earlier.iter().map(|step| (step, false));
    let all = all.chain(summary.steps.iter().map(|step| (step, true)));
    html! {
        div.box {
            p.note style="margin:0 0 .6rem" { "BLAKE3 of each step's manifest, which names every item by its digest, and of what its rows follow from. Two runs with the same last digest made the same dataset." }
            div.scroll { table.fold {
                thead { tr { th scope="col" { "step" } th scope="col" { "version" } th scope="col" { "params that were asked for" } th scope="col" { "manifest" } th scope="col" { "follows from" } } }
                tbody { @for (step, is_own) in all { tr {
                    th scope="row" { (step.step) @if !is_own { small { "an earlier run" } } }
                    td data-name="version" { (step.version) }
                    td data-name="params" { @let params = params_by_interest(&step.step, &step.params);
                        @let mut changed = params.iter().filter(|p| p.is_changed()).peekable();
                        @if changed.peek().is_none() { "defaults" }
                        @for param in changed { code { (param.name) " = " (shown(&param.value)) } br; } }
                    td data-name="manifest" { code { (step.manifest) } }
                    td data-name="follows from" { code { (step.follows_from) } }
                } } }
            } }
        }
    }
}

/// Time and bytes, a row per step.
fn costs(summary: &Summary) -> Markup {
    let longest = summary.steps.iter().map(|s| s.seconds).fold(0.0, f64::max);
    html! {
        div.box.step {
            h3 { "Time and bytes" span.aside { (seconds(summary.seconds)) " in all" } }
            div.scroll { table.bars {
                thead { tr { th scope="col" { "step" } th.number scope="col" { "time" } th scope="col" { span.unseen { "time as a bar" } }
                    th.number scope="col" { "items" } th.number scope="col" { "bytes in" } th.number scope="col" { "bytes out" } th.number scope="col" { "written now" } } }
                tbody { @for step in &summary.steps { tr {
                    th scope="row" { (step.step) }
                    td.number { (seconds(step.seconds)) }
                    td.bar { svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                        rect.bar x="0" y="0" height="10" width=(number((step.seconds * 100.0 / longest.max(1e-9)).clamp(0.7, 100.0), 1)) {}
                    } }
                    td.number { (count(step.items)) } td.number { (bytes(step.bytes_in)) } td.number { (bytes(step.bytes_out)) } td.number { (bytes(step.bytes_written)) }
                } } }
            } }
        }
    }
}
