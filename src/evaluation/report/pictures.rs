//! The pictures of the page.

use crate::evaluation::LinkFigures;
use crate::evaluation::bounds::BoundedShare;
use crate::evaluation::groups::{GroupFigures, GroupTable};
use crate::evaluation::report::plot::{Plot, Scale};

/// The x axis of weights: all points of the curve.
fn bits(links: &LinkFigures) -> Option<Scale> {
    let (first, last) = (links.curve.first()?, links.curve.last()?);
    let (low, high) = (last.point.threshold, first.point.threshold);
    Some(Scale::Linear(
        low,
        if high > low { high } else { low + 1.0 },
    ))
}

/// Recall and false share over the threshold, with their intervals.
pub(super) fn curve(links: &LinkFigures) -> String {
    let Some(x) = bits(links) else {
        return String::new();
    };
    let rows = &links.curve;
    let name = "threshold in bits";
    let mut recall = Plot::new((x, name), (Scale::Linear(0.0, 1.0), "recall"), 260.0);
    let band = rows
        .iter()
        .map(|row| (row.point.threshold, row.r_95.lower, row.r_95.upper));
    recall.band("one", &band.collect::<Vec<_>>());
    let line = rows
        .iter()
        .map(|row| (row.point.threshold, row.point.prf.r));
    recall.line("one", &line.collect::<Vec<_>>());
    let mut wrong = Plot::new(
        (x, name),
        (Scale::Decades(-5, 0), "false share of links"),
        260.0,
    );
    let band = rows.iter().map(|row| {
        (
            row.point.threshold,
            1.0 - row.p_95.upper,
            1.0 - row.p_95.lower,
        )
    });
    wrong.band("other", &band.collect::<Vec<_>>());
    let line = rows
        .iter()
        .map(|row| (row.point.threshold, 1.0 - row.point.prf.p));
    wrong.line("other", &line.collect::<Vec<_>>());
    recall.svg(
        "curve-recall",
        "Recall over the threshold",
        "Share of true pairs whose link has at least so many bits, with 95 % intervals. The table \
         below has the same figures.",
    ) + &wrong.svg(
        "curve-false",
        "False share over the threshold",
        "Share of links of at least so many bits that join two persons, on a scale of powers of ten, \
         with 95 % intervals. The table below has the same figures.",
    )
}

/// How many links have which weight: true above false.
pub(super) fn weights(links: &LinkFigures) -> String {
    let bins = &links.calibration;
    let places: Vec<(f64, f64)> = bins
        .iter()
        .map(|bin| {
            let from = bin.from.unwrap_or_else(|| bin.to.unwrap_or(0.0) - 2.0);
            (from + 1.0, bin.pairs as f64)
        })
        .collect();
    let most = places.iter().map(|(_, pairs)| *pairs).fold(1.0, f64::max);
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return String::new();
    };
    let x = Scale::Linear(last.0 - 1.0, first.0 + 1.0);
    let mut plot = Plot::new(
        (x, "weight in bits"),
        (Scale::Linear(0.0, most), "links"),
        260.0,
    );
    for (bin, (middle, pairs)) in bins.iter().zip(&places) {
        let wrong = (bin.pairs - bin.true_pairs) as f64;
        plot.bar("one", (*middle, 1.0), (wrong, *pairs));
        plot.bar("other", (*middle, 1.0), (0.0, wrong));
    }
    plot.svg(
        "weights",
        "Links by weight",
        "Number of links in bins of two bits: true pairs in the upper, false ones in the lower part \
         of each bar. The table below has the same figures.",
    )
}

/// Nominal false shares beside observed ones.
pub(super) fn calibration(links: &LinkFigures) -> String {
    if links.calibration.is_empty() {
        return String::new();
    }
    let scale = Scale::Decades(-5, 0);
    let x = (scale, "false share that the weights claim");
    let mut plot = Plot::new(x, (scale, "false share seen"), 380.0);
    plot.line("axis", &[(1e-5, 1e-5), (1.0, 1.0)]);
    plot.label((2e-5, 2e-5), "as good as its word");
    for bin in &links.calibration {
        let seen = &bin.observed;
        let bounds = (1.0 - seen.share, 1.0 - seen.upper, 1.0 - seen.lower);
        plot.whisker("one", 1.0 - bin.nominal, bounds);
    }
    plot.svg(
        "calibration",
        "Calibration",
        "For each bin of weight the false share that the weights claim and the one that was seen, \
         with 95 % bounds. Above the diagonal the weights claim too much. The table below has the \
         same figures.",
    )
}

/// Missed and false shares of groups, with bounds.
pub(super) fn groups(table: &GroupTable) -> String {
    if table.groups.is_empty() {
        return String::new();
    }
    let missed = |group: &GroupFigures| group.missed;
    let wrong = |group: &GroupFigures| group.false_links;
    of_groups(
        table,
        ("groups", "Missed pairs by group of people"),
        "share of true pairs missed",
        (&table.missed, &missed),
    ) + &of_groups(
        table,
        ("groups-false", "False links by group of people"),
        "share of linked pairs that is false",
        (&table.false_links, &wrong),
    )
}

fn of_groups(
    table: &GroupTable,
    (id, title): (&str, &str),
    axis: &str,
    (everybody, of): (&BoundedShare, &dyn Fn(&GroupFigures) -> BoundedShare),
) -> String {
    let count = table.groups.len() as f64;
    let highest = table.groups.iter().map(|group| of(group).upper);
    let highest = highest.fold(everybody.upper, f64::max);
    let x = (
        Scale::Linear(0.0, count + 1.0),
        "group, numbered as in the table",
    );
    let y = (Scale::Linear(0.0, (highest * 1.05).clamp(1e-6, 1.0)), axis);
    let mut plot = Plot::new(x, y, 300.0);
    let all = everybody.share;
    plot.line("axis", &[(0.0, all), (count + 1.0, all)]);
    plot.label((0.0, all), "everybody");
    for (place, group) in (1..).zip(&table.groups) {
        let share = of(group);
        let class = if share.lower > all { "other" } else { "one" };
        plot.whisker(
            class,
            f64::from(place),
            (share.share, share.lower, share.upper),
        );
    }
    plot.svg(
        id,
        title,
        "For each group its share with 95 % bounds, beside everybody's. The table below has the same \
         figures and says which groups fare worse.",
    )
}
