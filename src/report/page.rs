//! The page as a whole: head, headline counts, and the sections in the order in which people look.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Pictures;
use super::balance;
use super::findings::Findings;
use super::photos;
use super::run;
use super::sections;
use super::stains;
use super::words::{bytes, count, counted, percent, ratio, seconds};
use crate::distribution::SKEW_WARNING;
use crate::summary::Summary;

pub(super) const STYLE: &str = include_str!("style.css");

/// The page: the same arguments give the same bytes.
///
/// `place` is the dataset's name for people (a folder or URL without credentials).
pub fn render(place: &str, summary: &Summary, findings: &Findings, pictures: &Pictures) -> String {
    let name = place.trim_end_matches('/').rsplit('/').next().unwrap_or(place);
    // What can be shown decides the page; the way around follows from it.
    let parts: Vec<(&str, &str, Option<Markup>)> = vec![
        ("failures", "Failures", sections::failures(summary, findings)),
        ("balance", "Class balance", balance::section(summary, findings)),
        ("slides", "Slides", sections::slides(summary, findings, pictures)),
        ("stains", "Stains", stains::fits(findings, pictures)),
        ("normalized", "Before and after", stains::normalized(findings, pictures)),
        ("traps", "What the cameras saw", photos::traps(summary, findings)),
        ("copies", "Originals and copies", photos::copies(findings, pictures)),
        ("distributions", "Distributions", sections::distributions(findings)),
        ("files", "Files", sections::files(findings)),
        ("sheet", "Contact sheet", sections::sheet(findings, pictures)),
        ("steps", "Steps", Some(run::steps(summary))),
        ("chain", "Versions and digests", Some(run::chain(summary, findings))),
        ("slowest", "Slowest units", run::slowest(summary)),
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
                    p { "Written by microtome " (summary.microtome) ". The numbers of this page: "
                        code { "report.json" } "; behind it: " code { "run.json" } ", " code { "manifest.parquet" }
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
    let sources = Sources::of(summary, findings);
    let written: u64 = summary.steps.iter().map(|s| s.bytes_written).sum();
    let dropped: u64 = summary.steps.iter().map(|s| s.dropped).sum();
    let (one, many) = nouns(findings);
    let empty = empty_sources(summary, findings);
    html! {
        dl.headline {
            @if findings.derived || sources.units != findings.items {
                div { dt { (sections::source_nouns(findings).1) } dd { (count(sources.units)) small {
                    @match sources.done {
                        None => { "cut before this run" }
                        Some((0, made)) => { (count(made)) " made now" }
                        Some((hits, made)) => { (count(hits)) " found done, " (count(made)) " made now" }
                    }
                } } }
            }
            div { dt { (many) } dd { (count(findings.items)) small {
                @if empty > 0 { "none from " (count(empty)) " of " (count(sources.units)) }
                @else if findings.items > 0 { (bytes(findings.bytes / findings.items)) " per " (one) }
                @else { "no rows" }
            } } }
            @if findings.amounts > 0 {
                div { dt { "amounts" } dd { (count(findings.amounts)) small { "images of one stain" } } }
            }
            div.bad[summary.failures > 0] { dt { (if summary.failures == 1 { "failure" } else { "failures" }) } dd { (count(summary.failures)) small {
                @if summary.failures > 0 { a href="#failures" {
                    @match failed_inputs(summary, findings) {
                        Some(all) => { (percent(summary.failures as f64, all as f64)) " of " (sections::source_nouns(findings).1) }
                        None => { "which, and why" }
                    }
                } }
                @else if dropped > 0 { (count(dropped)) " dropped as asked" }
                @else { "nothing was dropped" }
            } } }
            div { dt { "data" } dd { (bytes(findings.bytes)) small { (bytes(written)) " written now" } } }
            div { dt { "time" } dd { (seconds(summary.seconds)) small { (counted(summary.threads as u64, "thread", "threads")) } } }
            @let now = &findings.classes.now;
            @if now.classes > 0 {
                @let skew = now.skew.imbalance_ratio.filter(|r| *r > SKEW_WARNING);
                div.bad[skew.is_some()] { dt { "classes" } dd { (count(now.classes)) small {
                    @if let Some(skew) = skew { a href="#balance" { "skewed " (ratio(skew)) " to 1" } ", " }
                    @if now.unlabelled > 0 { (count(now.unlabelled)) " without one" } @else { "every " (one) " has one" }
                } } }
            }
        }
    }
}

/// Files that the run was given: what the listing found or, without one, what its first step read.
/// Each fails at most once, whichever step it is that cannot do it; `None` when patches failed, of
/// which there are many in a file.
fn failed_inputs(summary: &Summary, findings: &Findings) -> Option<u64> {
    let is_own = findings.cut.as_ref().is_some_and(|cut| cut.is_own);
    let cut = summary.steps.iter().rposition(|step| step.step == "tile").filter(|_| is_own);
    let after = if findings.derived { cut.map_or(0, |at| at + 1) } else { summary.steps.len() };
    let patches = summary.steps.iter().skip(after).any(|step| step.failures > 0);
    let inputs = summary.steps.first().map_or(summary.units, |step| step.units);
    (!patches).then_some(inputs)
}

/// What an item is called, by what was made.
pub(super) fn nouns(findings: &Findings) -> (&'static str, &'static str) {
    if findings.derived { ("patch", "patches") } else { ("image", "images") }
}

/// What the run did with the slides or files that its items came from.
struct Sources {
    units: u64,
    /// Found done, and made now; `None` for slides that were cut before this run.
    done: Option<(u64, u64)>,
}

impl Sources {
    fn of(summary: &Summary, findings: &Findings) -> Self {
        let own = findings.cut.as_ref().filter(|cut| cut.is_own).map(|cut| &cut.step);
        if findings.derived && own.is_none() {
            return Self { units: findings.sources_with_items, done: None };
        }
        let step = own.or(summary.steps.last());
        Self {
            units: step.map_or(0, |s| s.units),
            done: Some(step.map_or((0, 0), |s| (s.hits, s.made))),
        }
    }
}

/// Sources that were done and gave nothing.
pub(super) fn empty_sources(summary: &Summary, findings: &Findings) -> u64 {
    match Sources::of(summary, findings).done {
        Some((hits, made)) if findings.derived || findings.items == 0 => {
            (hits + made).saturating_sub(findings.sources_with_items)
        }
        _ => 0,
    }
}
