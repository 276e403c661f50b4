//! The sections of the page that look at stains: what was fitted, and images before and after.

use maud::{Markup, html};

use super::Pictures;
use super::chart;
use super::findings::Findings;
use super::fits::{Counts, Fit, Fits, FitsOf, Vectors};
use super::page::nouns;
use super::pairs::{Pair, Pairs};
use super::picture::Picture;
use super::words::{count, counted, number, percent};
use crate::stain::Profile;

/// What the fits found: a table of how they fared, and a card each; `None` when nothing was fitted.
pub(super) fn fits(findings: &Findings, pictures: &Pictures) -> Option<Markup> {
    let fits = findings.fits.as_ref().filter(|fits| fits.groups > 0)?;
    let (one, many) = fits.of.nouns();
    let shown = fits.shown().count() as u64;
    let is_cohort = fits.of == FitsOf::Cohort;
    let drawn = !pictures.drawings.is_empty() || pictures.cohort.is_some();
    Some(html! {
        p.legend { span {
            (method(&fits.method)) ", "
            @if is_cohort { "all " (count(fits.groups)) " " (many) " together" }
            @else { (counted(fits.groups, one, many)) @if fits.groups > 1 { ", each on its own" } }
            ". " (counted(fits.total.tissue_px, "tissue pixel", "tissue pixels")) ", "
            (count(fits.total.sampled_px)) " of them sampled."
        } }
        @if drawn {
            p.legend { span { "In the drawings, each cell holds pixels of one optical density in red (to the right) and blue (upwards), in their own colour. "
                b.hematoxylin { "H" } " and " b.eosin { "E" } " are the stains that were found; dashed lines are the method's reference." } }
        }
        div.box { h3 { "How the fits fared" } (chart::bars(&fits.statuses, "the fit", many, 12)) }
        ul.cards.below {
            @if let Some((fit, profile)) = fits.cohort.as_ref().and_then(|f| f.cohort.as_ref().map(|p| (f, p))) {
                (of_all(fit, profile, fits, pictures))
            }
            @for fit in fits.shown() {
                @let name = if is_cohort { "All slides together" } else { &fit.name };
                @let counts = if is_cohort { &fits.total } else { &fit.counts };
                (card(name, fit, counts, (pictures.drawings.get(&fit.name), shown == 1 && fits.cohort.is_none())))
            }
        }
        @if !is_cohort && fits.groups > shown {
            p.note { "and " (counted(fits.groups - shown, one, many)) " more in the manifest, columns " code { "fit-stain.*" } "." }
        }
    })
}

fn method(method: &str) -> &str {
    match method {
        "macenko" => "Macenko",
        "vahadane" => "Vahadane",
        "reinhard" => "Reinhard",
        "reinhard-modified" => "Reinhard, modified",
        "ruifrok" => "Ruifrok",
        other => other,
    }
}

/// The card of the cohort's fit, where it stands in for slides.
fn of_all(fit: &Fit, profile: &Profile, fits: &Fits, pictures: &Pictures) -> Markup {
    let stains = profile.stains.as_ref();
    let all = Fit {
        status: format!(
            "it stands in where the fit of {} failed",
            if fits.of == FitsOf::Images { "an image" } else { "a slide" }
        ),
        passed: true,
        vectors: stains.map(|s| Vectors { matrix: s.matrix, max: s.max_concentrations.map(Some) }),
        lab: profile.lab.map(|lab| [lab.mean, lab.std]),
        angle_deg: profile.angle_deg,
        reference_deg: [None; 2],
        cohort: None,
        ..fit.clone()
    };
    card("All slides together", &all, &fits.total, (pictures.cohort.as_ref(), false))
}

fn card(
    name: &str,
    fit: &Fit,
    counts: &Counts,
    (drawing, is_only): (Option<&Picture>, bool),
) -> Markup {
    html! {
        li.card.fit.one[is_only] {
            div.picture.drawn.none[drawing.is_none()] {
                @match drawing {
                    Some(p) => { img src=(p.url) width=(p.width_px) height=(p.height_px) loading="lazy" alt=(alt(name, fit)); }
                    None => { p { "no drawing on this page" } }
                }
            }
            div.words {
                h3 { (name) }
                p.verdict {
                    @if fit.passed { span.state { "profile" } } @else { span.state.bad { "no profile" } }
                    " " (fit.status)
                }
                dl.facts {
                    @if let Some(vectors) = &fit.vectors {
                        @for (index, stain) in ["hematoxylin", "eosin"].into_iter().enumerate() {
                            @if let (Some(vector), Some(max)) = (vectors.matrix.get(index), vectors.max.get(index)) {
                                dt { (stain) } dd {
                                    span.swatch.stain style=(format!("background:{}", colour(vector))) {}
                                    (triple(vector))
                                    @if let Some(max) = max { ", at most " (number(*max, 2)) }
                                    @if let Some(Some(deg)) = fit.reference_deg.get(index) { ", " (number(*deg, 1)) "° from the reference" }
                                }
                            }
                        }
                    }
                    @if let Some([mean, std]) = &fit.lab {
                        @for (index, axis) in ["L*", "a*", "b*"].into_iter().enumerate() {
                            @if let Some((mean, std)) = mean.get(index).zip(std.get(index)) {
                                dt { (axis) } dd { (number(*mean, 1)) " ± " (number(*std, 1)) }
                            }
                        }
                    }
                    @if let Some(deg) = fit.angle_deg { dt { "between them" } dd { (number(deg, 1)) "°" } }
                    dt { "tissue" } dd { (count(counts.tissue_px)) " of " (count(counts.pixels)) " px (" (percent(counts.tissue_px as f64, counts.pixels as f64)) ")" }
                    dt { "sampled" } dd { (count(counts.sampled_px)) " px of " (counted(counts.images, "image", "images"))
                        @if counts.unreadable > 0 { ", " (count(counts.unreadable)) " unreadable" }
                    }
                    @if fit.cohort.is_some() { dt { "stands in" } dd { "the profile of all slides together" } }
                }
            }
        }
    }
}

/// The drawing in words.
fn alt(name: &str, fit: &Fit) -> String {
    let mut text = format!("{name}: its pixels by optical density, red against blue");
    match &fit.vectors {
        Some(Vectors { matrix: [h, e], .. }) => {
            text.push_str(&format!(
                ", with hematoxylin at {} and eosin at {}",
                triple(h),
                triple(e)
            ));
        }
        None => text.push_str(&format!(", without stains: {}", fit.status)),
    }
    text
}

/// `(0.650, 0.701, 0.290)`: red, green, blue.
fn triple(vector: &[f64; 3]) -> String {
    let [r, g, b] = vector;
    format!("({r:.3}, {g:.3}, {b:.3})")
}

/// The colour of a stain at concentration 1.
fn colour(vector: &[f64; 3]) -> String {
    let [r, g, b] = vector.map(|od| (255.0 * libm::exp(-od) + 0.5).clamp(0.0, 255.0) as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// How images were normalized, and a few of them before and after; `None` when nothing was.
pub(super) fn normalized(findings: &Findings, pictures: &Pictures) -> Option<Markup> {
    let pairs = findings.pairs.as_ref().filter(|pairs| pairs.images > 0)?;
    let many = nouns(findings).1;
    let shown = |pair: &&Pair| pictures.pairs.contains_key(&pair.source_id);
    let slides: Vec<Vec<&Pair>> = pairs
        .by_slide()
        .into_iter()
        .map(|slide| slide.into_iter().filter(shown).collect::<Vec<_>>())
        .filter(|slide| !slide.is_empty())
        .collect();
    let are_alone = slides.iter().all(|slide| slide.len() == 1);
    Some(html! {
        (outcomes(pairs, many))
        @if !slides.is_empty() {
            p.legend.below { "Each pair: on the left before, on the right after. Drawn by digest: the same ones every time." }
            @if are_alone {
                ul.pairs { @for pair in slides.iter().flatten() { (figure(pair, Some(&pair.slide), pictures)) } }
            } @else {
                @for slide in &slides {
                    div.box.slide {
                        h3 { @if let Some(first) = slide.first() { (first.slide) } }
                        ul.pairs { @for pair in slide { (figure(pair, None, pictures)) } }
                    }
                }
            }
        }
    })
}

fn outcomes(pairs: &Pairs, many: &str) -> Markup {
    let mut rows: Vec<_> = pairs.outcomes.iter().collect();
    rows.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let all = pairs.images as f64;
    html! {
        div.box {
            h3 { "From which profile" span.aside { (count(pairs.images)) " " (many) } }
            div.scroll { table.fold {
                thead { tr { th scope="col" { "normalized" } th scope="col" { "why" } th.number scope="col" { (many) } th.number scope="col" { "share" } } }
                tbody {
                    @for ((from, why), n) in rows {
                        tr { th scope="row" { (from) } td data-name="why" { (why) } td.number data-name=(many) { (count(*n)) } td.number data-name="share" { (percent(*n as f64, all)) } }
                    }
                    @if pairs.others > 0 {
                        tr { th scope="row" { "otherwise" } td data-name="why" { "–" } td.number data-name=(many) { (count(pairs.others)) } td.number data-name="share" { (percent(pairs.others as f64, all)) } }
                    }
                }
            } }
        }
    }
}

fn figure(pair: &Pair, name: Option<&str>, pictures: &Pictures) -> Markup {
    let Some(both) = pictures.pairs.get(&pair.source_id) else { return html! {} };
    html! {
        li { figure {
            div.both { @for (picture, when) in both.iter().zip(["before", "after"]) {
                img src=(picture.url) width=(picture.width_px) height=(picture.height_px) loading="lazy"
                    title=(pair.source_id) alt=(format!("{} {when} normalization", pair.source_id));
            } }
            figcaption {
                @if let Some(name) = name { b { (name) } }
                @for line in &pair.caption { span { (line) } }
                span { (pair.from) }
            }
        } }
    }
}
