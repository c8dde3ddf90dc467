//! Pictures of rows with a name each.

use std::fmt::Write as _;

use crate::evaluation::report::escaped;

pub(super) const WIDTH: f64 = 720.0;
const NAMES: f64 = 190.0;
const FIGURES: f64 = 80.0;
const ROW: f64 = 20.0;

/// A bar a row, from the left.
#[derive(Debug, Default)]
pub(super) struct Bars {
    rows: u32,
    inside: String,
}

impl Bars {
    /// A bar of a share of the width, with its figure behind it.
    pub(super) fn row(&mut self, name: &str, share: f64, figure: &str) {
        self.row_in_two(name, (share, 0.0), figure);
    }

    /// The same, of which the second share is drawn in another colour.
    pub(super) fn row_in_two(&mut self, name: &str, (share, part): (f64, f64), figure: &str) {
        let top = f64::from(self.rows) * ROW + 4.0;
        let width = |share: f64| share.clamp(0.0, 1.0) * (WIDTH - NAMES - FIGURES);
        let _ = write!(
            self.inside,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"one-fill\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"13\"/>\
             <rect class=\"other-fill\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"13\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            NAMES - 8.0,
            top + 11.0,
            escaped(name),
            width(share).max(0.5),
            width(part),
            NAMES + width(share) + 5.0,
            top + 11.0,
            escaped(figure)
        );
        self.rows += 1;
    }

    pub(super) fn svg(&self, named: (&str, &str), description: &str) -> String {
        let height = f64::from(self.rows) * ROW + 8.0;
        picture(named, description, height, &self.inside)
    }
}

/// A picture of rows; `id` is its own on the page.
pub(super) fn picture(
    (id, title): (&str, &str),
    description: &str,
    height: f64,
    inside: &str,
) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">{}</title>\
         <desc id=\"{id}-desc\">{}</desc>{inside}</svg>\n",
        escaped(title),
        escaped(description)
    )
}
