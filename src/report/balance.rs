//! The sections of the page that look at classes: how rows are shared out among them, in all, in each split
//! and in the largest groups, before and now.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::chart::{self, cut, nice_top};
use super::classes::{Classes, Order, extremes, split_name};
use super::findings::Findings;
use super::found::found;
use super::page::nouns;
use super::svg::{self, Rows};
use super::tally::Tally;
use super::words::{count, counted, number, percent, ratio};
use crate::distribution::{Distribution, GroupShare, SKEW_WARNING, Skew};
use crate::summary::{StepSummary, Summary};

/// Splits that have a chart of their own.
const MOST_SPLITS: usize = 9;
/// Groups that have one.
const MOST_GROUPS: usize = 24;
/// Classes in the chart of a group, the rarest among them.
const GROUP_BARS: (usize, usize) = (5, 2);
/// Characters of a name that fit beside a bar.
const NAME: usize = 13;

/// One of the measures.
type Measure = fn(&Skew) -> Option<f64>;
/// Rows of classes, before and now.
type Pair<'a> = (Option<&'a BTreeMap<String, u64>>, &'a BTreeMap<String, u64>);

/// Class balance; `None` where no row has a class and no step counted any.
pub(super) fn section(summary: &Summary, findings: &Findings) -> Option<Markup> {
    let classes = &findings.classes;
    let balanced: Vec<&StepSummary> =
        summary.steps.iter().filter(|s| s.balance.is_some() || !s.findings.is_empty()).collect();
    let is_bare =
        classes.now.classes == 0 && classes.now.groups == 0 && classes.now.splits.len() < 2;
    if is_bare && balanced.is_empty() && classes.warnings.is_empty() {
        return None;
    }
    let order = classes.order();
    let by = classes.step.and_then(|at| summary.steps.get(at)).map(|s| s.step.as_str());
    Some(html! {
        @if !classes.warnings.is_empty() {
            ul.warnings aria-label="Warnings" { @for warning in &classes.warnings {
                li { @if let Some(step) = &warning.step { b { (step) ": " } } (super::sections::ticked(&warning.message)) }
            } }
        }
        @if classes.now.classes > 0 || classes.before.is_some() {
            (sentence(classes, by))
            div.pair {
                (whole(classes, &order, by))
                (measures(classes, by))
            }
        }
        (splits(classes, &order))
        (groups(findings))
        @for step in balanced { (said(step, classes.step.is_some_and(|at| summary.steps.get(at) == Some(step)))) }
    })
}

/// The distribution in words.
fn sentence(classes: &Classes, by: Option<&str>) -> Markup {
    let words = |d: &Distribution| {
        let rows = counted(d.rows, "row", "rows");
        let kinds = counted(d.classes, "class", "classes");
        let many = match (extremes(&d.labels), d.skew.imbalance_ratio) {
            (Some(_), Some(found)) if d.classes > 1 && found <= 1.0 => ", as many of each".into(),
            (Some((most, least)), Some(found)) if d.classes > 1 => format!(
                "; the commonest (“{}”, {}) has {} times the rows of the rarest (“{}”, {})",
                cut(most.0, 40),
                count(most.1),
                ratio(found),
                cut(least.0, 40),
                count(least.1)
            ),
            _ => String::new(),
        };
        let repeats = if d.repeats > 0 {
            format!(", {} of them drawn again", count(d.repeats))
        } else {
            String::new()
        };
        format!("{rows}{repeats} in {kinds}{many}.")
    };
    html! { p.lead.balance {
        @if let Some((before, by)) = classes.before.as_ref().zip(by) {
            b { "Before " (by) ": " } (words(before)) br; b { "Now: " }
        }
        (words(&classes.now))
    } }
}

fn legend(by: Option<&str>) -> Markup {
    html! { @if let Some(by) = by { ul.legend aria-hidden="true" {
        li { span.swatch.before {} "before " (by) } li { span.swatch.now {} "now" }
    } } }
}

fn whole(classes: &Classes, order: &Order, by: Option<&str>) -> Markup {
    let before = classes.before.as_ref();
    let pair = (before.map(|d| &d.labels), &classes.now.labels);
    let title =
        if classes.now.splits.len() > 1 { "All splits together" } else { "Rows of each class" };
    let left = [before, Some(&classes.now)].map(|d| d.map_or(0, |d| named(d, order)));
    figure(
        title,
        None,
        pair,
        order,
        (before.map(|_| left[0]), left[1]),
        legend(by.filter(|_| before.is_some())),
    )
}

/// Rows of classes that a chart does not name.
fn named(d: &Distribution, order: &Order) -> u64 {
    let named: u64 = order.named().filter_map(|label| d.labels.get(label)).sum();
    d.labels.values().sum::<u64>() + d.other_labels - named
}

/// A chart with its numbers behind a fold; rows of other classes are told apart.
fn figure(
    title: &str,
    aside: Option<String>,
    (before, now): Pair<'_>,
    order: &Order,
    left: (Option<u64>, u64),
    legend: Markup,
) -> Markup {
    let of =
        |labels: &BTreeMap<String, u64>, label: &String| labels.get(label).copied().unwrap_or(0);
    let rows: Vec<(&String, Option<u64>, u64)> =
        order.named().map(|label| (label, before.map(|b| of(b, label)), of(now, label))).collect();
    let most = rows.iter().map(|row| row.2.max(row.1.unwrap_or(0))).max().unwrap_or(0);
    let values: Vec<_> =
        rows.iter().map(|row| [row.1.map(|n| n as f64), Some(row.2 as f64)]).collect();
    let drawn = svg::rows(
        &values,
        nice_top(most) as f64,
        (svg::WIDTH, 132, if before.is_some() { 136 } else { 70 }),
        Some(|v| count(v as u64)),
    );
    let total = |part: Option<u64>| part.unwrap_or(0);
    let all_before = before.map(|b| {
        b.values().sum::<u64>().max(rows.iter().map(|r| total(r.1)).sum::<u64>() + total(left.0))
    });
    let all_now = rows.iter().map(|row| row.2).sum::<u64>() + left.1;
    let told: Vec<String> = rows
        .iter()
        .take(4)
        .map(|(label, was, is)| match was {
            Some(was) => format!("{} {} before, {} now", cut(label, 40), count(*was), count(*is)),
            None => format!("{} {}", cut(label, 40), count(*is)),
        })
        .collect();
    html! {
        figure.chart {
            figcaption { (title) @if let Some(aside) = aside { span.aside { (aside) } } }
            (legend)
            @if let Some(drawn) = drawn.filter(|_| !rows.is_empty()) {
                (bars(&drawn, &rows, &format!("{title}, rows of each class: {}", told.join("; "))))
            }
            @if order.left > 0 { p.note { "and " (counted(order.left, "class", "classes")) " between with "
                @if let Some(was) = left.0 { (count(was)) " before, " } (counted(left.1, "row", "rows")) "." } }
            details {
                summary { "Numbers" }
                div.scroll { table {
                    thead { tr { th scope="col" { "class" }
                        @if before.is_some() { th.number scope="col" { "before" } th.number scope="col" { "share" } }
                        th.number scope="col" { "now" } th.number scope="col" { "share" } } }
                    tbody {
                        @for (label, was, is) in &rows { tr { th scope="row" { (label) }
                            @if let Some((was, all)) = was.zip(all_before) { td.number { (count(was)) } td.number { (percent(was as f64, all as f64)) } }
                            td.number { (count(*is)) } td.number { (percent(*is as f64, all_now as f64)) } } }
                        @if order.left > 0 { tr.rest { th scope="row" { (count(order.left)) " others" }
                            @if let Some((was, all)) = left.0.zip(all_before) { td.number { (count(was)) } td.number { (percent(was as f64, all as f64)) } }
                            td.number { (count(left.1)) } td.number { (percent(left.1 as f64, all_now as f64)) } } }
                    }
                } }
            }
        }
    }
}

/// The drawing of a chart, with names before the bars and numbers behind them.
fn bars(drawn: &Rows, rows: &[(&String, Option<u64>, u64)], words: &str) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {} {}", drawn.size.0, drawn.size.1)) role="img" aria-label=(words) {
            (PreEscaped(&drawn.inside))
            @for (((label, was, is), middle), end) in rows.iter().zip(&drawn.middles).zip(&drawn.ends) {
                text.y x=(drawn.left - 7) y=(middle + 4) { title { (label) } (cut(label, NAME)) }
                text.value x=(end + 5) y=(middle + 4) {
                    title { @if let Some(was) = was { (count(*was)) " before, " } (count(*is)) " now" }
                    @if let Some(was) = was.filter(|was| was != is) { (short(was)) " → " } (short(*is))
                }
            }
        }
    }
}

/// `1.2 M`: a count with three digits at most.
fn short(n: u64) -> String {
    match n {
        0..10_000 => count(n),
        10_000..1_000_000 => format!("{} k", n / 1000),
        _ => format!("{} M", number(n as f64 / 1e6, usize::from(n < 100_000_000))),
    }
}

/// How skewed the classes are, in numbers and in words.
fn measures(classes: &Classes, by: Option<&str>) -> Markup {
    let skews =
        (classes.before.as_ref().map(|d| (&d.skew, d.rows)), (&classes.now.skew, classes.now.rows));
    let ratio_words =
        |found: Option<f64>| found.map_or("–".into(), |r| format!("{} : 1", ratio(r)));
    let share = |value: Option<f64>| value.map_or("–".into(), |v| number(v, 3));
    let lines: [(&str, Measure, &str); 3] = [
        ("Commonest by rarest", |s| s.imbalance_ratio, "1 is balance"),
        ("Evenness (entropy)", |s| s.entropy, "1 is balance, 0 one class alone"),
        ("Gini coefficient", |s| s.gini, "0 is balance"),
    ];
    let shown =
        |at: usize, value: Option<f64>| if at == 0 { ratio_words(value) } else { share(value) };
    let effective = |(skew, rows): (&Skew, u64)| {
        let share = percent(skew.effective_rows, rows as f64);
        html! { (count(skew.effective_rows.round() as u64)) small { (share) } }
    };
    let over = |skew: &Skew| skew.imbalance_ratio.is_some_and(|r| r > SKEW_WARNING);
    html! {
        div.box {
            h3 { "How skewed" span.aside { "a ratio above " (number(SKEW_WARNING, 0)) " is warned of" } }
            div.scroll { table.skew {
                thead { tr { th scope="col" { "measure" } @if skews.0.is_some() { th.number scope="col" { "before" } } th.number scope="col" { "now" } } }
                tbody {
                    @for (at, (name, of, meaning)) in lines.iter().enumerate() { tr {
                        th scope="row" { (name) small { (meaning) } }
                        @if let Some((skew, _)) = skews.0 { td.number.over[at == 0 && over(skew)] { (shown(at, of(skew))) } }
                        td.number.over[at == 0 && over(skews.1.0)] { (shown(at, of(skews.1.0))) }
                    } }
                    tr {
                        th scope="row" { "Effective rows" small { "as many as so many different rows of equal weight" } }
                        @if let Some(before) = skews.0 { td.number { (effective(before)) } }
                        td.number { (effective(skews.1)) }
                    }
                    tr {
                        th scope="row" { "Rows without a class" }
                        @if let Some(before) = &classes.before { td.number { (count(before.unlabelled)) } }
                        td.number { (count(classes.now.unlabelled)) }
                    }
                    @if classes.now.repeats > 0 { tr {
                        th scope="row" { "Rows drawn again" }
                        @if let Some(before) = &classes.before { td.number { (count(before.repeats)) } }
                        td.number { (count(classes.now.repeats)) }
                    } }
                }
            } }
            @if classes.now.splits.len() > 1 { (split_table(classes)) }
            @if by.is_none() { p.note { "No step of this run balanced classes or made splits." } }
        }
    }
}

fn split_table(classes: &Classes) -> Markup {
    let was = |split: &String| classes.before.as_ref().and_then(|d| d.splits.get(split));
    html! {
        div.scroll.below { table {
            thead { tr { th scope="col" { "split" } th.number scope="col" { "rows" } th.number scope="col" { "share" } th.number scope="col" { "classes" } th.number scope="col" { "groups" } th.number scope="col" { "ratio" } } }
            tbody { @for (split, share) in &classes.now.splits { tr {
                th scope="row" { (split_name(split)) }
                td.number { @if let Some(was) = was(split).filter(|w| w.rows != share.rows) { (count(was.rows)) " → " } (count(share.rows)) }
                td.number { (percent(share.rows as f64, classes.now.rows as f64)) }
                td.number { (count(share.labels.len() as u64)) }
                td.number { (count(share.groups)) }
                td.number.over[share.skew.imbalance_ratio.is_some_and(|r| r > SKEW_WARNING)] {
                    @if let Some(was) = was(split).and_then(|w| w.skew.imbalance_ratio).filter(|w| Some(*w) != share.skew.imbalance_ratio) { (ratio(was)) " → " }
                    (share.skew.imbalance_ratio.map_or("–".into(), ratio))
                }
            } } }
        } }
    }
}

/// A chart for each split.
fn splits(classes: &Classes, order: &Order) -> Markup {
    let now = &classes.now.splits;
    if now.len() < 2 || classes.now.classes == 0 {
        return html! {};
    }
    let mut largest: Vec<_> = now.iter().collect();
    largest.sort_by(|a, b| b.1.rows.cmp(&a.1.rows).then_with(|| a.0.cmp(b.0)));
    let left = largest.len().saturating_sub(MOST_SPLITS);
    html! {
        h3.between { "By split" }
        div.multiples.wide { @for (split, share) in largest.into_iter().take(MOST_SPLITS) {
            @let was = classes.before.as_ref().and_then(|d| d.splits.get(split));
            @let rest = |labels: &BTreeMap<String, u64>| labels.values().sum::<u64>() - order.named().filter_map(|l| labels.get(l)).sum::<u64>();
            (figure(split_name(split), Some(counted(share.rows, "row", "rows")), (was.map(|w| &w.labels), &share.labels), order,
                (was.map(|w| rest(&w.labels)), rest(&share.labels)), html! {}))
        } }
        @if left > 0 { p.note { "and " (counted(left as u64, "split", "splits")) " more in " code { "report.json" } "." } }
    }
}

/// The largest groups, and the rest.
fn tally(now: &Distribution) -> Tally {
    let mut tally = Tally::default();
    now.largest_groups.iter().for_each(|g| tally.add_many(Some(&g.group), g.rows, 0));
    tally.add_many(None, now.ungrouped, 0);
    tally.add_others(now.rows.saturating_sub(tally.items() + now.ungrouped));
    tally
}

/// Small multiples: the shares of classes in each of the largest groups; or the groups alone.
fn groups(findings: &Findings) -> Markup {
    let (one, many) = nouns(findings);
    let (now, before) = (&findings.classes.now, findings.classes.before.as_ref());
    if now.groups == 0 {
        return html! {};
    }
    let counts: Vec<_> = before.into_iter().chain([now]).map(|d| &d.labels).collect();
    let order = Order::of(now.classes, &counts, GROUP_BARS.0, GROUP_BARS.1);
    let was = |group: &str| before.and_then(|d| d.largest_groups.iter().find(|g| g.group == group));
    let left = now.groups.saturating_sub(MOST_GROUPS.min(now.largest_groups.len()) as u64);
    html! {
        h3.between { "By group" span.aside { (counted(now.groups, "group", "groups")) ": a slide, patient or camera each"
            @if let Some(largest) = now.largest_groups.first().filter(|_| now.groups > 1) {
                ", the largest with " (counted(largest.rows, one, many))
            } } }
        @if now.classes > 0 { div.multiples { @for group in now.largest_groups.iter().take(MOST_GROUPS) {
            (small(group, was(&group.group), &order))
        } } }
        @else { div.box { (chart::bars(&tally(now), "group", many, 12)) } }
        @if left > 0 && now.classes > 0 { p.note { "and " (counted(left, "smaller group", "smaller groups")) "." } }
        @if now.ungrouped > 0 { p.note { (counted(now.ungrouped, "row has", "rows have")) " no group." } }
        @if now.classes > 0 { details { summary { "Numbers" } div.scroll { table {
            thead { tr { th scope="col" { "group" } @if before.is_some() { th.number scope="col" { "before" } } th.number scope="col" { "rows" }
                @for label in order.named() { th.number scope="col" title=(label) { (cut(label, 24)) } } } }
            tbody { @for group in &now.largest_groups { tr {
                th scope="row" { (group.group) }
                @if before.is_some() { td.number { @match was(&group.group) { Some(was) => { (count(was.rows)) } None => { "–" } } } }
                td.number { (count(group.rows)) }
                @for label in order.named() { td.number { (count(group.labels.get(label).copied().unwrap_or(0))) } }
            } } }
        } } } }
    }
}

fn small(group: &GroupShare, was: Option<&GroupShare>, order: &Order) -> Markup {
    let share = |of: &GroupShare, label: &String| {
        of.labels.get(label).copied().unwrap_or(0) as f64 / of.rows.max(1) as f64
    };
    let labels: Vec<&String> = order.named().collect();
    let values: Vec<_> =
        labels.iter().map(|l| [was.map(|w| share(w, l)), Some(share(group, l))]).collect();
    let told: Vec<String> = labels
        .iter()
        .map(|l| format!("{} {}", cut(l, 40), percent(share(group, l), 1.0)))
        .collect();
    html! {
        figure.chart {
            figcaption title=(group.group) { (cut(&group.group, 48)) span.aside { (count(group.rows)) } }
            @if let Some(drawn) = svg::rows(&values, 1.0, (280, 92, if was.is_some() { 104 } else { 54 }), None).filter(|_| !labels.is_empty()) {
                svg viewBox=(format!("0 0 {} {}", drawn.size.0, drawn.size.1)) role="img"
                    aria-label=(format!("{}, {}: {}", cut(&group.group, 80), counted(group.rows, "row", "rows"), told.join(", "))) {
                    (PreEscaped(&drawn.inside))
                    @for ((label, middle), end) in labels.iter().zip(&drawn.middles).zip(&drawn.ends) {
                        text.y x=(drawn.left - 5) y=(middle + 4) { title { (label) } (cut(label, 11)) }
                        text.value x=(end + 4) y=(middle + 4) { (shares(was.map(|was| share(was, label)), share(group, label))) }
                    }
                }
            }
        }
    }
}

/// `40 → 52 %`, or one of them where they read the same.
fn shares(was: Option<f64>, is: f64) -> String {
    let now = percent(is, 1.0);
    match was.map(|was| percent(was, 1.0)).filter(|was| *was != now) {
        Some(was) => format!("{} → {now}", was.trim_end_matches(" %")),
        None => now,
    }
}

/// What a step over the whole manifest says of itself, in its own words.
fn said(step: &StepSummary, is_last: bool) -> Markup {
    html! { @if !step.findings.is_empty() || !is_last {
        div.box.below {
            h3 { "What " (step.step) " says" span.aside { "version " (step.version) } }
            @if let Some(balance) = step.balance.as_ref().filter(|_| !is_last) {
                p.note { (counted(balance.before.rows, "row", "rows")) " before, " (count(balance.after.rows)) " after; ratio "
                    (balance.before.skew.imbalance_ratio.map_or("–".into(), ratio)) " before, " (balance.after.skew.imbalance_ratio.map_or("–".into(), ratio)) " after." }
            }
            @if !step.findings.is_empty() {
                details { summary { "All that it found" } div.scroll { (found(&step.findings)) } }
            }
        }
    } }
}
