//! A run in pieces, for engines whose memory holds a part of the records at a time: where
//! records meet, what those of some blocks weigh, and which of them are one person, each
//! by the functions of a run in memory, so that the links are the same.

use crate::bulk::blocks::{Met, everybody, is_small, meet_at};
use crate::bulk::bounds::Bounds;
use crate::bulk::briefs::briefs;
use crate::bulk::comparing::Comparer;
use crate::bulk::groups::Sets;
use crate::bulk::keys::Codes;
use crate::bulk::pairs::Meeting;
use crate::bulk::records::{BulkRecords, Facts};
use crate::bulk::rules::RULES;
use crate::bulk::run::{
    LinkPlan, Linked, Policy, certainty, component_bits, floor_of, settled, strongest_first,
    weighed_by_groups,
};
use crate::bulk::scoring::{Edge, score};
use crate::bulk::words::Words;
use crate::identity::StandardRecord;

/// Records that are settled together at most, unless one component has more.
const PIECE_RECORDS: usize = 50_000;

/// No piece: the record stands alone.
pub const NO_PIECE: u32 = u32::MAX;

/// The lowest place of a broad rule: of records that meet there only those pairs matter of
/// which one lacks a field.
pub const BROAD_PLACES: u64 = (first_broad() as u64) << RULE_SHIFT;

/// The rule of a place stands above its key.
const RULE_SHIFT: u32 = 32;

const fn first_broad() -> usize {
    let mut place = 0;
    while !RULES[place].broad {
        place += 1;
    }
    place
}

/// Persons of a piece.
#[derive(Debug)]
pub struct SettledPiece {
    /// By record of the piece: the first of its person.
    pub persons: Vec<u32>,
    /// Pairs with the weight of the groups in which they met, where the model weighs groups.
    pub pairs: Vec<Edge>,
}

impl BulkRecords {
    /// Some records of a run with the numbers of their sources, in the order of their
    /// numbers. They have no ids.
    #[must_use]
    pub fn of_piece(records: impl IntoIterator<Item = (u32, StandardRecord)>) -> Self {
        let mut piece = Self::default();
        for (source, record) in records {
            let facts = Facts {
                nhs_number: record.nhs_number,
                birth_date: record.birth_date,
                gender: record.gender,
                birth_sex: record.birth_sex,
                birth_order: record.birth_order,
                source,
                newborn_placeholder: record.newborn_placeholder,
                unborn: record.unborn,
                names: piece.names.code(record.names),
                addresses: piece.addresses.code(record.addresses),
                phones: piece.phones.code(record.phones),
                emails: piece.emails.code(record.emails),
                identifiers: piece.identifiers.code(record.identifiers),
                practices: piece
                    .practices
                    .code(record.gp_practice.into_iter().collect()),
            };
            piece.facts.push(facts);
        }
        piece.words = Words::of(&piece.names.values);
        piece
    }

    /// Keeps the id of a record of which nothing else is kept here.
    pub fn push_id(&mut self, id: &str) {
        self.ids.push(id);
    }

    /// The source that a record's row named; empty where it named none.
    #[must_use]
    pub fn source(&self, record: u32) -> &str {
        &self.sources[self.facts[record as usize].source as usize]
    }

    /// Whether each record lacks a field, so that the narrow rules may not bring it to its
    /// own.
    #[must_use]
    pub fn lacking(&self) -> Vec<bool> {
        lacking(&Codes::of(self), self.count())
    }

    fn count(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }
}

fn lacking(codes: &Codes<'_>, count: u32) -> Vec<bool> {
    (0..count)
        .map(|record| codes.of_record(record).lack_a_field())
        .collect()
}

/// What is the same for all pieces of a run.
#[derive(Debug, Clone)]
pub struct Piecework {
    plan: LinkPlan,
    records: u32,
}

impl Piecework {
    /// A run over so many records. A plan that trains is taken as it is: a piece teaches
    /// nothing.
    #[must_use]
    pub const fn new(plan: LinkPlan, records: u32) -> Self {
        Self { plan, records }
    }

    /// Where each record of a piece may meet others: a rule with one of its keys. A run
    /// whose records all meet has one place.
    #[must_use]
    pub fn places(&self, piece: &BulkRecords) -> Vec<Vec<u64>> {
        if is_small(self.records) {
            return vec![vec![0]; piece.len()];
        }
        let codes = Codes::of(piece);
        (0..piece.count())
            .map(|record| {
                let mut places = Vec::new();
                let values = codes.of_record(record);
                for (rule, at) in RULES.iter().zip(0_u64..) {
                    values.each_key(rule, |key| {
                        places.push(at << RULE_SHIFT | key >> RULE_SHIFT);
                    });
                }
                places
            })
            .collect()
    }

    /// Pairs of whole blocks that reach the weight that matters: `met` names a place and a
    /// record of the piece for each that stands there.
    #[must_use]
    pub fn weigh(&self, piece: &BulkRecords, met: &[(u64, u32)]) -> Vec<Edge> {
        let codes = Codes::of(piece);
        let blocks = if is_small(self.records) {
            everybody(piece.count())
        } else {
            let mut keyed = vec![Vec::new(); RULES.len()];
            for (place, record) in met {
                let rule = usize::try_from(place >> RULE_SHIFT).unwrap_or(usize::MAX);
                if let Some(keyed) = keyed.get_mut(rule) {
                    keyed.push(place << RULE_SHIFT | u64::from(*record));
                }
            }
            meet_at(&codes, keyed, self.records)
        };
        let met = Met {
            blocks,
            // Nobody is passed over for having met elsewhere: that may be another piece.
            whole: vec![0; piece.len()],
            lacking: lacking(&codes, piece.count()),
            oversized: Vec::new(),
        };
        let briefs = briefs(piece, &met);
        let meeting = Meeting {
            records: piece,
            met: &met,
            briefs: &briefs,
            across_sources_only: self.plan.across_sources_only,
        };
        let floor = floor_of(&self.plan, &self.plan.model);
        let bounds = Bounds::new(piece, &self.plan.model, floor);
        let pairs = meeting.worth_comparing(&bounds, &|_| ());
        let comparer = Comparer::new(piece, &self.plan.model, &briefs);
        score(&comparer, &pairs, floor)
    }

    /// By record: the piece in which it is settled, so that those who may be one person are
    /// in one; [`NO_PIECE`] where it stands alone.
    #[must_use]
    pub fn pieces(&self, edges: &[Edge]) -> Vec<u32> {
        let model = &self.plan.model;
        let at = match self.plan.policy {
            Policy::Model => component_bits(model),
            Policy::Care => floor_of(&self.plan, model),
        };
        let count = self.records as usize;
        let mut sets = Sets::new(count);
        for edge in edges.iter().filter(|edge| edge.weight >= at) {
            sets.join(edge.a, edge.b);
        }
        let mut sizes = vec![0_u32; count];
        for record in 0..self.records {
            sizes[sets.find(record) as usize] += 1;
        }
        let mut pieces = vec![NO_PIECE; count];
        let (mut piece, mut inside) = (0, 0);
        for record in 0..self.records {
            let first = sets.find(record);
            let size = sizes[first as usize] as usize;
            if first == record && size > 1 {
                if inside > 0 && inside + size > PIECE_RECORDS {
                    piece += 1;
                    inside = 0;
                }
                inside += size;
                pieces[record as usize] = piece;
            } else if size > 1 {
                pieces[record as usize] = pieces[first as usize];
            }
        }
        pieces
    }

    /// Makes persons of the records of a piece; `edges` are those between them.
    #[must_use]
    pub fn settle(&self, piece: &BulkRecords, edges: &[Edge]) -> SettledPiece {
        let model = &self.plan.model;
        let met = Met {
            whole: vec![0; piece.len()],
            lacking: lacking(&Codes::of(piece), piece.count()),
            ..Met::default()
        };
        let briefs = briefs(piece, &met);
        let comparer = Comparer::new(piece, model, &briefs);
        let grouped = settled(&comparer, self.plan.policy, edges);
        let mut pairs = grouped.pairs;
        let source = |record: u32| piece.facts[record as usize].source;
        pairs.retain(|edge| {
            model.file().weighs_groups
                && !(self.plan.across_sources_only && source(edge.a) == source(edge.b))
        });
        SettledPiece {
            persons: grouped.person,
            pairs,
        }
    }

    /// The run, of all edges in the order of their records, all pairs that pieces weighed by
    /// groups, and the persons of all records.
    #[must_use]
    pub fn linked(&self, edges: Vec<Edge>, pairs: Vec<Edge>, persons: Vec<u32>) -> Linked {
        let model = &self.plan.model;
        let mut edges = if model.file().weighs_groups {
            weighed_by_groups(edges, pairs)
        } else {
            edges
        };
        let least = self.plan.least_bits_of(model);
        edges.retain(|edge| edge.weight >= least);
        let links = strongest_first(edges);
        Linked {
            model: model.clone(),
            trained: None,
            compared: 0,
            certainty: certainty(persons.len(), model, &persons, &links),
            links,
            persons,
            rules: Vec::new(),
            oversized: Vec::new(),
        }
    }
}
