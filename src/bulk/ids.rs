//! Ids of records, one behind the other in one piece of memory: a text of its own
//! for each cost more than the ids, and the files that a run writes name them in
//! their order.

use std::cmp::Ordering;

use rayon::prelude::*;

/// Ids by the number of their record.
#[derive(Default)]
pub(super) struct Ids {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Ids {
    pub(super) fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    /// The id of a record.
    pub(super) fn at(&self, record: u32) -> &str {
        let record = record as usize;
        let start = if record == 0 {
            0
        } else {
            self.ends[record - 1]
        };
        &self.text[start..self.ends[record]]
    }

    /// The record of an id, where they are in order.
    pub(super) fn find(&self, id: &str) -> Option<u32> {
        let (mut low, mut high) = (0, u32::try_from(self.ends.len()).unwrap_or(u32::MAX));
        while low < high {
            let middle = u32::midpoint(low, high);
            match self.at(middle).cmp(id) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn all(&self) -> impl Iterator<Item = &str> {
        (0..).take(self.ends.len()).map(|record| self.at(record))
    }

    /// Records in the order of their ids; of equal ones the first comes first. Ids of
    /// a file begin alike: the eight bytes behind what all share mostly decide.
    pub(super) fn order(&self) -> Vec<u32> {
        let first = self.all().next().map_or(&[][..], str::as_bytes);
        let shared = self.all().fold(first.len(), |shared, id| {
            let alike = first[..shared].iter().zip(id.as_bytes());
            alike.take_while(|(a, b)| a == b).count()
        });
        let mut keyed: Vec<(u64, u32)> = (0..)
            .zip(self.all())
            .map(|(record, id)| {
                let mut eight = [0; 8];
                for (to, from) in eight.iter_mut().zip(&id.as_bytes()[shared..]) {
                    *to = *from;
                }
                (u64::from_be_bytes(eight), record)
            })
            .collect();
        keyed.par_sort_unstable_by(|a, b| {
            a.0.cmp(&b.0)
                .then_with(|| self.at(a.1).cmp(self.at(b.1)))
                .then(a.1.cmp(&b.1))
        });
        keyed.into_iter().map(|(_, record)| record).collect()
    }

    /// The same ids in this order, without room to grow.
    pub(super) fn in_order(&self, order: &[u32]) -> Self {
        let mut ordered = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(order.len()),
        };
        for record in order {
            ordered.push(self.at(*record));
        }
        ordered
    }
}
