//! Small pages: of a run that made a part of a dataset, and of one that made nothing.
//!
//! Whoever clicks on a shard of two hundred wants to know what it did and what failed; the classes, pictures and findings are in
//! the report of the whole.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::page::STYLE;
use super::run;
use super::sections::{failure_table, ticked};
use super::words::{bytes, count, counted, seconds};
use crate::error::Error;
use crate::summary::{Failure, Summary};

/// The page of a run that made a part: a shard, or a step before the last.
///
/// `place` is the dataset's name for people, `part` what it is a part of (`shard 0/4`), `listed` some of the failures and `path` the
/// file that has them all.
pub fn render_part(
    place: &str,
    part: &str,
    summary: &Summary,
    listed: &[Failure],
    path: &str,
) -> String {
    let steps: Vec<&str> = summary.steps.iter().map(|step| step.step.as_str()).collect();
    let items = summary.steps.last().map_or(0, |step| step.items);
    let sum = |of: fn(&crate::summary::StepSummary) -> u64| summary.steps.iter().map(of).sum();
    let (hits, made, written): (u64, u64, u64) =
        (sum(|s| s.hits), sum(|s| s.made), sum(|s| s.bytes_written));
    let body = html! {
        dl.headline {
            div { dt { "units" } dd { (count(summary.units)) small { (count(hits)) " found done, " (count(made)) " made now" } } }
            div { dt { "items" } dd { (count(items)) small { "in this part" } } }
            div.bad[summary.failures > 0] { dt { "failures" } dd { (count(summary.failures)) small {
                @if summary.failures > 0 { a href="#failures" { "which, and why" } } @else { "nothing was dropped" }
            } } }
            div { dt { "written now" } dd { (bytes(written)) } }
            div { dt { "time" } dd { (seconds(summary.seconds)) small { (counted(summary.threads as u64, "thread", "threads")) } } }
        }
        section { p { "This is a part. The report of the whole will be " code { (place) "/report.html" }
            " when the shards are merged and the last step is done." } }
        @if summary.failures > 0 { section id="failures" {
            h2 { "Failures" }
            div.box.failures {
                p.note style="margin-top:0" { "These could not be done; the others are not touched by it. Mend what is named and run the same again: only what is missing will be done." }
                (failure_table(listed))
                @if summary.failures > listed.len() as u64 {
                    p.note { "All of them: " code { (place) "/" (path) } "." }
                }
            }
        } }
        section { h2 { "Steps" } (run::steps(summary)) }
    };
    let lead =
        html! { (steps.join(" → ")) " of " code { (summary.input) } " into " code { (place) } };
    page(&format!("{}, {part}", steps.join(" → ")), &lead, &body, &summary.microtome)
}

/// The page of a run that was kept from being done.
pub fn render_error(what: &str, error: &Error) -> String {
    let body = html! {
        section { div.box.failures {
            p { span.state.bad { (error.kind()) } }
            p.strong { (ticked(&error.to_string())) }
            p { "What to do: " (ticked(&error.remedy())) }
        } }
    };
    page(
        &format!("{what} was not done"),
        &html! { "What kept it from being done." },
        &body,
        env!("CARGO_PKG_VERSION"),
    )
}

fn page(title: &str, lead: &Markup, body: &Markup, version: &str) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) " – microtome" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (title) } p.lead { (lead) } }
                main id="main" { (body) }
                footer { p { "Written by microtome " (version) "." } }
            }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_peoples_text_is_escaped() {
        let error = Error::params("mpp", "<script>alert(1)</script> will not do");
        let page = render_error("tile", &error);
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
        assert!(page.contains("tile was not done") && page.contains("correct the value"));
    }
}
