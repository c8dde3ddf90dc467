//! Axes, lines, bands and whiskers as inline SVG.

use std::fmt::Write as _;

use crate::evaluation::report::escaped;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 44.0;

/// How values of an axis become places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// From the first to the second.
    Linear(f64, f64),
    /// Powers of ten from the first to the second; what is below is put there.
    Decades(i32, i32),
}

impl Scale {
    /// 0 at its start, 1 at its end.
    fn share(self, value: f64) -> f64 {
        let share = match self {
            Self::Linear(from, to) => (value - from) / (to - from).max(f64::MIN_POSITIVE),
            Self::Decades(from, to) => {
                let log = value.max(f64::MIN_POSITIVE).log10();
                (log - f64::from(from)) / f64::from(to - from)
            }
        };
        share.clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear(from, to) => {
                let span = (to - from).max(f64::MIN_POSITIVE);
                let rough = span / 8.0;
                let power = 10_f64.powf(rough.log10().floor());
                let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
                let step = steps.into_iter().find(|step| *step >= rough);
                let step = step.unwrap_or(span);
                let places = usize::from(step < 1.0) + usize::from(step < 0.1);
                let mut value = (from / step).ceil() * step;
                let mut ticks = Vec::new();
                while value <= to + step * 1e-9 && ticks.len() < 20 {
                    // Never "-0".
                    ticks.push((value, format!("{:.places$}", value + 0.0)));
                    value += step;
                }
                ticks
            }
            Self::Decades(from, to) => (from..=to)
                .map(|power| {
                    let places = usize::try_from(-power - 2).unwrap_or(0);
                    let value = 10_f64.powi(power);
                    (value, format!("{:.places$} %", value * 100.0))
                })
                .collect(),
        }
    }
}

/// A picture on its way.
pub(super) struct Plot {
    x: Scale,
    y: Scale,
    height: f64,
    inside: String,
}

impl Plot {
    /// With its axes and their names.
    pub(super) fn new(x: (Scale, &str), y: (Scale, &str), height: f64) -> Self {
        let mut plot = Self {
            x: x.0,
            y: y.0,
            height,
            inside: String::new(),
        };
        let (bottom, right) = (height - BOTTOM, WIDTH - RIGHT);
        let inside = &mut plot.inside;
        let _ = write!(
            inside,
            "<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>"
        );
        for (value, text) in x.0.ticks() {
            let at = LEFT + x.0.share(value) * (right - LEFT);
            let _ = write!(
                inside,
                "<path class=\"axis\" d=\"M{at:.1} {bottom}v5\"/><text x=\"{at:.1}\" y=\"{:.1}\" \
                 text-anchor=\"middle\">{text}</text>",
                bottom + 18.0
            );
        }
        for (value, text) in y.0.ticks() {
            let at = bottom - y.0.share(value) * (bottom - TOP);
            let _ = write!(
                inside,
                "<path class=\"axis\" d=\"M{LEFT} {at:.1}H{right}\" opacity=\".4\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                at + 4.0
            );
        }
        let _ = write!(
            inside,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{LEFT}\" y=\"10\">{}</text>",
            f64::midpoint(LEFT, right),
            height - 6.0,
            escaped(x.1),
            escaped(y.1)
        );
        plot
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let bottom = self.height - BOTTOM;
        (
            LEFT + self.x.share(x) * (WIDTH - RIGHT - LEFT),
            bottom - self.y.share(y) * (bottom - TOP),
        )
    }

    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (place, (x, y)) in points.enumerate() {
            let (x, y) = self.at(x, y);
            let letter = if place == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{letter}{x:.1} {y:.1}");
        }
        path
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: &[(f64, f64)]) {
        let path = self.path(points.iter().copied());
        let _ = write!(self.inside, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    /// A band between two values at each place: x, lower, upper.
    pub(super) fn band(&mut self, class: &str, points: &[(f64, f64, f64)]) {
        let upper = points.iter().map(|(x, _, upper)| (*x, *upper));
        let lower = points.iter().rev().map(|(x, lower, _)| (*x, *lower));
        let path = self.path(upper.chain(lower));
        let _ = write!(self.inside, "<path class=\"{class}-band\" d=\"{path}Z\"/>");
    }

    /// A dot with its bounds above and below.
    pub(super) fn whisker(&mut self, class: &str, x: f64, (share, lower, upper): (f64, f64, f64)) {
        let (at, low) = self.at(x, lower);
        let (_, high) = self.at(x, upper);
        let (_, middle) = self.at(x, share);
        let _ = write!(
            self.inside,
            "<path class=\"{class} solid\" d=\"M{at:.1} {low:.1}V{high:.1}\"/>\
             <circle class=\"{class}-fill\" cx=\"{at:.1}\" cy=\"{middle:.1}\" r=\"4\"/>"
        );
    }

    /// A bar from the bottom; `half` is half of its width on the axis.
    pub(super) fn bar(&mut self, class: &str, (x, half): (f64, f64), (from, to): (f64, f64)) {
        let (left, top) = self.at(x - half, to);
        let (right, bottom) = self.at(x + half, from);
        let _ = write!(
            self.inside,
            "<rect class=\"{class}-fill\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            (right - left - 1.0).max(0.5),
            (bottom - top).max(0.0)
        );
    }

    /// A word in the picture.
    pub(super) fn label(&mut self, (x, y): (f64, f64), text: &str) {
        let (x, y) = self.at(x, y);
        let _ = write!(
            self.inside,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x + 5.0,
            y - 5.0,
            escaped(text)
        );
    }

    /// The picture; `id` is its own on the page.
    pub(super) fn svg(self, id: &str, title: &str, description: &str) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\
             <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>{}</svg>\n",
            self.height,
            escaped(title),
            escaped(description),
            self.inside
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Plot, Scale};

    #[test]
    fn ticks_are_round_and_few() {
        let texts = |scale: Scale| -> Vec<String> {
            scale.ticks().into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(
            texts(Scale::Linear(-10.0, 30.0)),
            ["-10", "-5", "0", "5", "10", "15", "20", "25", "30"]
        );
        assert_eq!(texts(Scale::Linear(0.0, 1.0))[1], "0.2");
        assert_eq!(
            texts(Scale::Decades(-3, 0)),
            ["0.1 %", "1 %", "10 %", "100 %"]
        );
    }

    #[test]
    fn nothing_is_drawn_outside() {
        let mut plot = Plot::new(
            (Scale::Linear(0.0, 1.0), "x"),
            (Scale::Decades(-3, 0), "y"),
            200.0,
        );
        plot.line("one", &[(-5.0, 0.0), (9.0, 7.0)]);
        let svg = plot.svg("p", "a <b>", "d");
        assert!(svg.contains("M64.0 156.0L704.0 14.0"), "{svg}");
        assert!(svg.contains("a &lt;b&gt;"));
    }
}
