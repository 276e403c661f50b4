//! The page as a whole: head, headline counts, and the sections in the order in which people look.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Pictures;
use super::findings::Findings;
use super::run;
use super::sections;
use super::words::{bytes, count, counted, percent, seconds};
use crate::summary::Summary;

const STYLE: &str = include_str!("style.css");

/// The page: the same arguments give the same bytes.
///
/// `place` is the dataset's name for people (a folder or URL without credentials).
pub fn render(place: &str, summary: &Summary, findings: &Findings, pictures: &Pictures) -> String {
    let name = place.trim_end_matches('/').rsplit('/').next().unwrap_or(place);
    // What can be shown decides the page; the way around follows from it.
    let parts: Vec<(&str, &str, Option<Markup>)> = vec![
        ("failures", "Failures", sections::failures(summary, findings)),
        ("slides", "Slides", sections::slides(summary, findings, pictures)),
        ("distributions", "Distributions", sections::distributions(findings)),
        ("balance", "Classes and groups", sections::balance(findings)),
        ("files", "Files", sections::files(findings)),
        ("sheet", "Contact sheet", sections::sheet(findings, pictures)),
        ("steps", "Steps", Some(run::steps(summary))),
        ("slowest", "Slowest units", run::slowest(summary)),
        ("digests", "Digests", Some(run::digests(summary))),
    ];
    let shown = || parts.iter().filter(|(_, _, markup)| markup.is_some());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (name) " – microtome report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    h1 { (name) }
                    p.lead { (chain(summary)) " of " code { (summary.input) } " into " code { (place) }
                        @if let Some(shard) = &summary.shard { ", shard " (shard) } }
                    nav aria-label="Sections" { ul {
                        @for (id, title, _) in shown() { li { a href=(format!("#{id}")) { (title) } } }
                    } }
                }
                main id="main" {
                    h2.unseen { "At a glance" }
                    (headline(summary, findings))
                    @for (id, title, markup) in shown() {
                        section id=(id) aria-labelledby=(format!("{id}-title")) {
                            h2 id=(format!("{id}-title")) { (title) }
                            @if let Some(markup) = markup { (markup) }
                        }
                    }
                }
                footer {
                    p { "Written by microtome " (summary.microtome) ". The numbers behind this page: "
                        code { "run.json" } ", " code { "manifest.parquet" }
                        @if summary.failures > 0 { ", " code { "failures.jsonl" } }
                        ". How an item came to be: " code { "microtome why ID" } "." }
                }
            }
        }
    }
    .into_string()
}

fn chain(summary: &Summary) -> String {
    let steps: Vec<String> =
        summary.steps.iter().map(|s| format!("{} {}", s.step, s.version)).collect();
    if steps.is_empty() { "No step".into() } else { steps.join(" → ") }
}

fn headline(summary: &Summary, findings: &Findings) -> Markup {
    let last = summary.steps.last();
    let made = last.map_or(0, |s| s.made);
    let hits = last.map_or(0, |s| s.hits);
    let units = last.map_or(0, |s| s.units);
    let written: u64 = summary.steps.iter().map(|s| s.bytes_written).sum();
    let (one, many) = nouns(findings);
    let empty = empty_sources(summary, findings);
    html! {
        dl.headline {
            @if findings.derived || units != findings.items {
                div { dt { (sections::source_nouns(findings).1) } dd { (count(units)) small {
                    @if hits > 0 { (count(hits)) " found done, " (count(made)) " made now" }
                    @else { (count(made)) " made now" }
                } } }
            }
            div { dt { (many) } dd { (count(findings.items)) small {
                @if empty > 0 { "none from " (count(empty)) " of " (count(units)) }
                @else if findings.items > 0 { (bytes(findings.bytes / findings.items)) " per " (one) }
                @else { "no rows" }
            } } }
            div.bad[summary.failures > 0] { dt { (if summary.failures == 1 { "failure" } else { "failures" }) } dd { (count(summary.failures)) small {
                @if summary.failures > 0 { a href="#failures" { (percent(summary.failures as f64, inputs(summary) as f64)) " of " (sections::source_nouns(findings).1) } }
                @else { "nothing was dropped" }
            } } }
            div { dt { "data" } dd { (bytes(findings.bytes)) small { (bytes(written)) " written now" } } }
            div { dt { "time" } dd { (seconds(summary.seconds)) small { (counted(summary.threads as u64, "thread", "threads")) } } }
            @if !findings.labels.is_empty() {
                div { dt { "classes" } dd { (count(findings.labels.words() as u64)) small {
                    @if findings.labels.without() > 0 { (count(findings.labels.without())) " without one" } @else { "every " (one) " has one" }
                } } }
            }
        }
    }
}

/// Files that the run was given: what the listing found or, without one, what its first step read.
/// A file fails at most once, whichever step it is that cannot do it.
fn inputs(summary: &Summary) -> u64 {
    summary.steps.first().map_or(summary.units, |step| step.units)
}

/// What an item is called, by what was made.
pub(super) fn nouns(findings: &Findings) -> (&'static str, &'static str) {
    if findings.derived { ("patch", "patches") } else { ("image", "images") }
}

/// Sources that were done and gave nothing.
pub(super) fn empty_sources(summary: &Summary, findings: &Findings) -> u64 {
    let done = summary.steps.last().map_or(0, |s| s.hits + s.made);
    if findings.derived || findings.items == 0 {
        done.saturating_sub(findings.sources_with_items)
    } else {
        0
    }
}
