//! Statements over many rows. Row counts are powers of two, so that a few
//! statement texts repeat and stay prepared.

use crate::storage::StoreError;
use crate::storage::db::{self, Connection, Row};

pub(super) use crate::storage::db::Query as Bound;

/// Most rows of one statement; well below the engines' bound on parameters
/// (32,766) with the widest table.
const ROWS_MAX: usize = 128;

/// A statement with a list of row values in its middle.
pub(super) struct RowStatement {
    /// Up to and including `values`.
    pub(super) before: &'static str,
    /// Values in a row.
    pub(super) columns: usize,
    /// What follows the list.
    pub(super) after: &'static str,
}

impl RowStatement {
    fn text(&self, shared: bool, rows: usize, first: usize) -> String {
        let mut text = String::with_capacity(self.before.len() + rows * self.columns * 6);
        text.push_str(self.before);
        let mut parameter = first;
        for row in 0..rows {
            text.push_str(if row == 0 { " (" } else { ", (" });
            for column in 0..self.columns {
                text.push_str(if column == 0 { "" } else { ", " });
                db::write_parameter(&mut text, shared, first == 1, parameter);
                parameter += 1;
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(self.after);
        text
    }

    /// Runs the statement for all rows.
    pub(super) async fn write<T>(
        &self,
        connection: &mut Connection,
        rows: &[T],
        bind: fn(Bound, &T) -> Bound,
    ) -> Result<(), StoreError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (part, others) = rest.split_at(power_of_two_within(rest.len()));
            let text = self.text(connection.is_shared(), part.len(), 1);
            let query = part.iter().fold(db::query(text), bind);
            query.execute(connection).await?;
            rest = others;
        }
        Ok(())
    }

    /// Selects by a list of values; `leading` is bound before it. The list is
    /// filled up by repeating its last value, which no `in` or join on
    /// distinct keys notices as long as the select is about existing rows.
    pub(super) async fn select<T>(
        &self,
        connection: &mut Connection,
        leading: &[i64],
        values: &[T],
        bind: fn(Bound, &T) -> Bound,
    ) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        for part in values.chunks(ROWS_MAX) {
            let count = part.len().next_power_of_two();
            let text = self.text(connection.is_shared(), count, leading.len() + 1);
            let mut query = db::query(text);
            for value in leading {
                query = query.bind(*value);
            }
            query = part.iter().fold(query, bind);
            if let Some(last) = part.last() {
                for _ in part.len()..count {
                    query = bind(query, last);
                }
            }
            found.append(&mut query.fetch_all(connection).await?);
        }
        Ok(found)
    }
}

const fn power_of_two_within(count: usize) -> usize {
    let bounded = if count > ROWS_MAX { ROWS_MAX } else { count };
    1 << bounded.ilog2()
}

#[cfg(test)]
mod tests {
    use super::{RowStatement, power_of_two_within};

    #[test]
    fn the_text_has_a_parameter_for_each_value() {
        let statement = RowStatement {
            before: "insert into t values",
            columns: 2,
            after: "on conflict do nothing",
        };
        assert_eq!(
            statement.text(false, 2, 1),
            "insert into t values (?, ?), (?, ?) on conflict do nothing"
        );
        assert!(
            statement
                .text(false, 1, 2)
                .ends_with("values ($2, $3) on conflict do nothing")
        );
    }

    #[test]
    fn row_counts_are_powers_of_two() {
        let counts = [1, 2, 3, 64, 127, 128, 5_000].map(power_of_two_within);
        assert_eq!(counts, [1, 2, 2, 64, 64, 128, 128]);
    }
}
