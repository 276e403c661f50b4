//! The sections of the page that look at photos: what the camera traps saw, and originals beside their
//! copies.

use maud::{Markup, html};

use super::Pictures;
use super::chart::{self, Axis};
use super::copies::{Copied, Copies};
use super::findings::Findings;
use super::traps::Traps;
use super::words::{count, counted, number, percent};
use crate::summary::Summary;

/// Most cameras in the table.
const MOST_CAMERAS: usize = 24;

/// What was found in the photos; `None` when nobody looked.
pub(super) fn traps(summary: &Summary, findings: &Findings) -> Option<Markup> {
    let traps = findings.traps.as_ref()?;
    let dropped = findings.traps_at.and_then(|at| summary.steps.get(at)).map_or(0, |s| s.dropped);
    (traps.images + dropped > 0).then(|| {
        html! {
            p.legend { span {
                (counted(traps.images, "image", "images")) " went on"
                @if dropped > 0 { ", " (counted(dropped, "was", "were")) " dropped: their facts stand in the records of their series (" code { "microtome why ID" } ")" }
                ". " (count(traps.infrared)) " by infrared light. A verdict is a guess: see what the step misses in "
                code { "microtome filter-background --help" } "."
            } }
            div.pair {
                div.box { h3 { "Verdicts" } (chart::bars(&traps.verdicts, "verdict", "images", 12)) }
                @if !traps.marks.is_empty() {
                    div.box { h3 { "Marks" } (chart::bars(&traps.marks, "mark", "images", 16)) }
                }
                div.box { h3 { "What verdicts rest on" } (chart::bars(&traps.bases, "basis", "images", 8)) }
                @if traps.largest.count() > 0 {
                    div.box {
                        h3 { "Largest thing that is not background" }
                        (chart::histogram(&traps.largest, &Axis {
                            title: "Part of the picture that the largest piece takes",
                            x: "part of the picture",
                            y: "images",
                            show: |v| number(v, 2),
                        }))
                    }
                }
            }
            @if traps.cameras.len() > 1 { (cameras(traps)) }
        }
    })
}

fn cameras(traps: &Traps) -> Markup {
    let (verdicts, _) = traps.verdicts.top(6);
    let mut rows: Vec<_> = traps.cameras.iter().collect();
    rows.sort_by(|a, b| b.1.items().cmp(&a.1.items()).then_with(|| a.0.cmp(b.0)));
    let left = rows.len().saturating_sub(MOST_CAMERAS);
    html! {
        div.box.below {
            h3 { "By camera" span.aside { (count(traps.cameras.len() as u64)) " groups" } }
            div.scroll { table.fold {
                thead { tr { th scope="col" { "camera" } th.number scope="col" { "images" }
                    @for verdict in &verdicts { th.number scope="col" { (verdict.word) } } } }
                tbody { @for (camera, tally) in rows.into_iter().take(MOST_CAMERAS) {
                    @let of = |word: &str| tally.top(64).0.iter().find(|c| c.word == word).map_or(0, |c| c.items);
                    tr { th scope="row" { @match camera { Some(name) => { (name) } None => { "none given" } } }
                        td.number data-name="images" { (count(tally.items())) }
                        @for verdict in &verdicts { td.number data-name=(verdict.word) { (percent(of(&verdict.word) as f64, tally.items() as f64)) } } }
                } }
            } }
            @if left > 0 { p.note { "and " (counted(left as u64, "camera", "cameras")) " more in the manifest, column " code { "group" } "." } }
        }
    }
}

/// What was drawn, and originals beside their copies; `None` when nothing was augmented.
pub(super) fn copies(findings: &Findings, pictures: &Pictures) -> Option<Markup> {
    let copies = findings.copies.as_ref().filter(|copies| copies.images > 0)?;
    let shown = |copy: &&Copied| pictures.copies.contains_key(&copy.item.id);
    let originals: Vec<Vec<&Copied>> = copies
        .by_original()
        .into_iter()
        .map(|of| of.into_iter().filter(shown).collect::<Vec<_>>())
        .filter(|of| !of.is_empty())
        .collect();
    Some(html! {
        @if copies.lost > 0 {
            p.legend { span { (counted(copies.lost, "box or keypoint", "boxes and keypoints")) " left the frame: columns " code { "augment.boxes_dropped" } ", " code { "augment.keypoints_dropped" } "." } }
        }
        @if !copies.ops.is_empty() { (ops(copies)) }
        @if !originals.is_empty() {
            p.legend.below { "Originals, each with some of its copies and what was drawn for them. Drawn by digest: the same ones every time. The column " code { "augment.ops" } " is a policy that makes the copy again." }
            @for of in &originals {
                div.box.slide {
                    h3 { @if let Some(first) = of.first() { (first.original_id) } }
                    ul.sheet {
                        @if let Some(original) = of.first().and_then(|c| pictures.originals.get(&c.original_id)) {
                            li { figure {
                                img src=(original.url) width=(original.width_px) height=(original.height_px) loading="lazy" alt="the original";
                                figcaption { b { "original" } }
                            } }
                        }
                        @for copy in of { (figure(copy, pictures)) }
                    }
                }
            }
        }
    })
}

fn ops(copies: &Copies) -> Markup {
    html! {
        div.box {
            h3 { "How often each op was done" span.aside { (counted(copies.images, "image", "images")) } }
            table.bars {
                thead { tr { th scope="col" { "op" } th.number scope="col" { "images" } th.number scope="col" { "share" } th scope="col" { span.unseen { "share as a bar" } } } }
                tbody { @for op in copies.ops.top(48).0 {
                    tr {
                        th.name scope="row" { (op.word) }
                        td.number { (count(op.items)) }
                        td.number { (percent(op.items as f64, copies.images as f64)) }
                        td.bar { svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                            rect.bar x="0" y="0" height="10" width=(number((op.items as f64 * 100.0 / copies.images as f64).clamp(0.7, 100.0), 1)) {}
                        } }
                    }
                } }
            }
        }
    }
}

fn figure(copy: &Copied, pictures: &Pictures) -> Markup {
    let Some(picture) = pictures.copies.get(&copy.item.id) else { return html! {} };
    html! {
        li { figure {
            img src=(picture.url) width=(picture.width_px) height=(picture.height_px) loading="lazy"
                title=(copy.item.id) alt=(format!("copy {} of {}", copy.number, copy.original_id));
            figcaption {
                b { "copy " (copy.number) }
                @if copy.ops.is_empty() { span { "nothing was done" } }
                @for op in &copy.ops { span { (op) } }
            }
        } }
    }
}
