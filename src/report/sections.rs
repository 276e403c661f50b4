//! The sections of the page that look at images: slides, charts, contact sheet, files, failures.

use maud::{Markup, html};

use super::chart::{self, Axis};
use super::findings::{Card, Findings, Resolution};
use super::page::{empty_sources, nouns};
use super::words::{bytes, count, counted, number, percent};
use super::{Picture, Pictures, Sight};
use crate::summary::{Failure, Summary};

/// What a source is called: slides have patches, photos have not.
pub(super) fn source_nouns(findings: &Findings) -> (&'static str, &'static str) {
    if findings.derived { ("slide", "slides") } else { ("file", "files") }
}

/// Failures that stand open; the others are behind a fold.
const FAILURES_OPEN: usize = 12;

/// The table of failures; `None` when there are none.
pub(super) fn failures(summary: &Summary, findings: &Findings) -> Option<Markup> {
    let listed = findings.failures.len() as u64;
    let all = summary.failures.max(findings.failures_found);
    let (open, folded) = findings.failures.split_at(findings.failures.len().min(FAILURES_OPEN));
    (all > 0).then(|| {
        html! {
            div.box.failures {
                p.note style="margin-top:0" { "These could not be done; the others are not touched by it. Mend what is named and run the same command again: only what is missing will be done." }
                @if !open.is_empty() { (failure_table(open)) }
                @if !folded.is_empty() {
                    details { summary { "and " (count(folded.len() as u64)) " more" } (failure_table(folded)) }
                }
                @if all > listed { p.note { "and " (count(all - listed)) " more in " code { "failures.jsonl" } "." } }
            }
        }
    })
}

pub(super) fn failure_table(failures: &[Failure]) -> Markup {
    html! {
        div.scroll { table.fold {
            thead { tr { th scope="col" { "what" } th scope="col" { "step" } th scope="col" { "kind" } th scope="col" { "what was found" } th scope="col" { "what to do" } } }
            tbody { @for failure in failures {
                tr {
                    th scope="row" { (failure.id) }
                    td.short data-name="step" { (failure.step) }
                    td.kind data-name="kind" { (failure.kind) }
                    td data-name="found" { (ticked(&failure.message)) }
                    td data-name="to do" { (ticked(&failure.remedy)) }
                }
            } }
        } }
    }
}

/// Text with what stands in backticks as code; an option (`--like-this`) is code too, so that it is
/// not broken at its dashes. A backtick without its partner stays.
pub(super) fn ticked(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @if index % 2 == 0 { (options(part)) }
            @else if index + 1 < parts.len() { code { (part) } }
            @else { "`" (options(part)) }
        }
    }
}

fn options(text: &str) -> Markup {
    html! {
        @for word in text.split_inclusive([' ', '\n']) {
            @let end = word.trim_end_matches([' ', '\n', ',', ';', '.', ':', ')']);
            @if end.len() > 2 && end.starts_with("--") {
                code { (end) } (word.strip_prefix(end).unwrap_or_default())
            } @else { (word) }
        }
    }
}

/// A card per slide; `None` for photos and other sources that gave no items of their own.
pub(super) fn slides(
    summary: &Summary,
    findings: &Findings,
    pictures: &Pictures,
) -> Option<Markup> {
    let cards = &findings.cards;
    if cards.is_empty() {
        return None;
    }
    let more = findings.sources.saturating_sub(cards.len() as u64);
    let empty = empty_sources(summary, findings);
    let outlined = cards.iter().any(|c| pictures.overlays.contains_key(&c.id));
    Some(html! {
        @if outlined {
            ul.legend {
                li { span.swatch.tissue {} "outline of the tissue" }
                li { span.swatch.patch {} "accepted patch" }
                @if empty > 0 { li { (counted(empty, "slide", "slides")) " gave no patch." } }
            }
        }
        ul.cards {
            @for card in cards { (slide(card, pictures, cards.len() == 1)) }
        }
        @if more > 0 { p.note { "and " (counted(more, "slide", "slides")) " more in the manifest." } }
    })
}

fn slide(card: &Card, pictures: &Pictures, only: bool) -> Markup {
    html! {
        li.card.one[only] {
            div.picture.none[!pictures.overlays.contains_key(&card.id)] {
                @match pictures.overlays.get(&card.id) {
                    Some(p) => { img src=(p.url) width=(p.width_px) height=(p.height_px) loading="lazy"
                        alt=(format!("Slide {} with its tissue mask and {}", card.id, counted(card.items, "accepted patch", "accepted patches"))); }
                    None => { p { @if card.failure.is_some() { "no picture: it failed" } @else { "no picture" } } }
                }
            }
            div.words {
                h3 { (card.id) }
                @match (&card.failure, card.items) {
                    (Some(failure), _) => { p style="margin:.4rem 0 0" { span.state.bad { "failed" } " " (failure.kind) ": " a href="#failures" { "what was found, and what to do" } } }
                    (None, 0) => { p style="margin:.4rem 0 0" { span.state { "no patches" } } }
                    _ => {}
                }
                dl.facts {
                    @if card.items > 0 {
                        dt { "patches" } dd.strong { (count(card.items)) " (" (bytes(card.item_bytes)) ")" }
                    }
                    @if let Some(mean) = card.coverage.mean() {
                        dt { "tissue in a patch" } dd { (percent(mean, 1.0)) " on average" }
                    }
                    @if let Some(resolution) = &card.resolution {
                        dt { "patches at" } dd { (resolution_words(resolution)) }
                    }
                    @if let Some((w, h)) = card.width_px.zip(card.height_px) {
                        dt { "size" } dd { (count(w.into())) " × " (count(h.into())) " px" }
                    }
                    @for (words, value) in &card.lines { dt { (words) } dd { (value) } }
                    @if let Some(label) = &card.label { dt { "label" } dd { (label) } }
                    @if let Some(group) = &card.group { dt { "group" } dd { (group) } }
                    dt { "file" } dd { (bytes(card.length)) ", digest " code { (card.digest.short()) } }
                }
            }
        }
    }
}

/// `0.5 µm/px (by the slide's header)`.
fn resolution_words(resolution: &Resolution) -> String {
    let (x, y) = (number(resolution.x, 4), number(resolution.y, 4));
    let per_px = if x == y { format!("{x} µm/px") } else { format!("{x} × {y} µm/px") };
    match resolution.from.as_deref() {
        Some("header") => format!("{per_px} (by the slide's header)"),
        Some("manifest") => format!("{per_px} (by the manifest)"),
        Some("assumed") => format!("{per_px} (assumed: nobody measured it)"),
        Some(other) if other != "none" => format!("{per_px} ({other})"),
        _ => per_px,
    }
}

/// Histograms of coverage and luminance; `None` when no step measured them.
pub(super) fn distributions(findings: &Findings) -> Option<Markup> {
    let (coverage, luminance) = (&findings.coverage, &findings.luminance);
    let measured = || findings.measured.iter().filter(|m| m.histogram.count() > 0);
    if coverage.count() == 0 && luminance.count() == 0 && measured().next().is_none() {
        return None;
    }
    let (one, many) = nouns(findings);
    let share = format!("share of tissue in {} {one}", if findings.derived { "a" } else { "an" });
    // Normalized patches have another luminance: nobody measured that.
    let cut = if findings.pairs.is_some() { "a patch as it was cut" } else { "a patch" };
    let mean = format!("mean luminance of {cut} (0 black, 255 white)");
    Some(html! {
        div.pair {
            @if coverage.count() > 0 {
                (chart::histogram(coverage, &Axis {
                    title: "Tissue coverage",
                    x: &share,
                    y: many,
                    show: |v| format!("{} %", number(v * 100.0, 1)),
                }))
            }
            @if luminance.count() > 0 {
                (chart::histogram(luminance, &Axis {
                    title: "Mean luminance",
                    x: &mean,
                    y: many,
                    show: |v| number(v, 1),
                }))
            }
            @for m in measured() {
                (chart::histogram(&m.histogram, &Axis { title: m.measure.title, x: m.measure.x, y: many, show: m.measure.show() }))
            }
        }
    })
}

/// A few items, picked evenly, class by class where there are several; `None` without pictures.
pub(super) fn sheet(findings: &Findings, pictures: &Pictures) -> Option<Markup> {
    if pictures.sheet.is_empty() {
        return None;
    }
    let (one, many) = nouns(findings);
    let evenly = if findings.derived { ", as many from each slide" } else { "" };
    let rows = |class: &str| findings.classes.now.labels.get(class).copied().unwrap_or(0);
    let of = |class: &str| -> Vec<&(Sight, Picture)> {
        pictures.sheet.iter().filter(|(s, _)| s.item.label.as_deref() == Some(class)).collect()
    };
    let left = findings.classes.now.classes.saturating_sub(findings.class_sheets.len() as u64);
    Some(html! {
        p.legend { (count(pictures.sheet.len() as u64)) " of " (counted(findings.items, one, many))
            (evenly) ", drawn by digest: the same ones every time." }
        @if findings.class_sheets.is_empty() { (pictured(pictures.sheet.iter(), one)) }
        @else {
            @for (class, _) in &findings.class_sheets { div.class {
                h3 title=(class) { (chart::cut(class, 80)) span.aside { (counted(rows(class), "row", "rows")) } }
                @let seen = of(class);
                @if seen.is_empty() { p.note { "no picture" } } @else { (pictured(seen.into_iter(), one)) }
            } }
            @if left > 0 { p.note { "and " (counted(left, "class", "classes")) " between the commonest and the rarest." } }
        }
    })
}

fn pictured<'a>(sheet: impl Iterator<Item = &'a (Sight, Picture)>, one: &str) -> Markup {
    html! {
        ul.sheet { @for (sight, picture) in sheet {
            li { figure {
                img src=(picture.url) width=(picture.width_px) height=(picture.height_px) loading="lazy"
                    title=(sight.item.id) alt=(alt(one, &sight.item.id, &sight.caption));
                figcaption {
                    b { (breakable(&shown_name(&sight.name))) }
                    @for line in &sight.caption { span { (line) } }
                }
            } }
        } }
    }
}

fn alt(one: &str, id: &str, caption: &[String]) -> String {
    let mut text = format!("{one} {id}");
    for line in caption {
        text.push_str(", ");
        text.push_str(line);
    }
    text
}

/// A name that may be broken behind its separators, and nowhere else while it fits.
fn breakable(name: &str) -> Markup {
    html! { @for part in name.split_inclusive(['_', '-', '.', ' ']) { (part) wbr; } }
}

/// The file name in the id of a slide (the caption says where in it) or image. Of a long name the end,
/// which is what tells files of one batch apart.
fn shown_name(id: &str) -> String {
    const MOST: usize = 32;
    let name = id.rsplit('/').next().unwrap_or(id);
    let length = name.chars().count();
    if length <= MOST {
        return name.to_string();
    }
    std::iter::once('…').chain(name.chars().skip(length - MOST + 1)).collect()
}

/// Media types, shapes and cameras of a listing; `None` for patches, which are all alike.
pub(super) fn files(findings: &Findings) -> Option<Markup> {
    if findings.derived || findings.items == 0 {
        return None;
    }
    let types = findings.media_types.top(24).0;
    Some(html! {
        div.pair {
            div { div.box {
                h3 { "Media types" }
                table {
                    thead { tr { th scope="col" { "type" } th.number scope="col" { "images" } th.number scope="col" { "bytes" } th.number scope="col" { "mean" } } }
                    tbody { @for t in &types { tr {
                        th scope="row" { (t.word) } td.number { (count(t.items)) } td.number { (bytes(t.bytes)) } td.number { (bytes(t.bytes / t.items.max(1))) }
                    } } }
                }
            }
            @if !findings.devices.is_empty() {
                div.box.below { h3 { "Cameras and scanners" } (chart::bars(&findings.devices, "make and model", "images", 12)) }
            } }
            @if !findings.shapes.is_empty() {
                div.box { h3 { "Sizes" span.aside { "width × height in px" } } (chart::bars(&findings.shapes, "size", "images", 12)) }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_options_become_code() {
        let shown = |text: &str| ticked(text).into_string();
        assert_eq!(shown("run `a <b`, then"), "run <code>a &lt;b</code>, then");
        assert_eq!(
            shown("give --assume-mpp, or -- not (`x`)"),
            "give <code>--assume-mpp</code>, or -- not (<code>x</code>)"
        );
        assert_eq!(shown("one ` alone"), "one ` alone");
        assert_eq!(shown("`--mpp` is `x"), "<code>--mpp</code> is `x");
    }
}
