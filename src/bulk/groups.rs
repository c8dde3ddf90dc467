//! Persons out of pairs: average linkage inside each component, judged by all
//! pairs of members and not by the best one, so that nothing chains.

use rayon::prelude::*;

use crate::bulk::evidence::Evidence;
use crate::bulk::scoring::Edge;

/// Components with more records are cut at a higher weight first.
const COMPONENT_MAX: usize = 300;

/// How much the cut is raised where a component is too large.
const CUT_STEP_BITS: f64 = 2.0;

/// A union of sets of records.
pub(super) struct Sets(Vec<u32>);

impl Sets {
    pub(super) fn new(count: usize) -> Self {
        Self((0..u32::try_from(count).unwrap_or(u32::MAX)).collect())
    }

    pub(super) fn find(&mut self, mut record: u32) -> u32 {
        while self.0[record as usize] != record {
            let up = self.0[self.0[record as usize] as usize];
            self.0[record as usize] = up;
            record = up;
        }
        record
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        self.0[high as usize] = low;
    }
}

/// Persons, and how strongly the parts of components belong together.
#[derive(Debug, Clone, Default)]
pub(super) struct Grouped {
    /// Person of each record, named by its first record.
    pub(super) person: Vec<u32>,
    /// All pairs inside components, with the weight between the two groups in
    /// which they met.
    pub(super) pairs: Vec<Edge>,
}

/// What a pair says, whether it met or not.
pub(super) type Witness<'a> = &'a (dyn Fn(u32, u32) -> Evidence + Sync);

/// Where groups begin and end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cuts {
    /// Pairs at or above it bring records into one component.
    pub(super) component: f64,
    /// Groups at or above it are one person.
    pub(super) person: f64,
    /// Prior in bits.
    pub(super) prior: f64,
}

/// Groups `count` records.
pub(super) fn group(count: usize, edges: &[Edge], cuts: Cuts, witness: Witness<'_>) -> Grouped {
    let mut grouped = Grouped {
        person: (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(),
        pairs: Vec::new(),
    };
    let components = components(count, edges, cuts.component);
    let found: Vec<_> = components
        .par_iter()
        .map(|members| average_linkage(members, cuts.person, cuts.prior, witness))
        .collect();
    for (members, (person, pairs)) in components.iter().zip(found) {
        for (place, record) in members.iter().enumerate() {
            grouped.person[*record as usize] = members[person[place]];
        }
        grouped.pairs.extend(pairs);
    }
    grouped
}

/// Records joined by edges at or above a weight, sets of two and more, each in
/// order; sets that are too large are cut higher.
fn components(count: usize, edges: &[Edge], at: f64) -> Vec<Vec<u32>> {
    let mut done = Vec::new();
    let mut all: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
    let mut at = at;
    let mut left: Vec<Edge> = edges
        .iter()
        .filter(|edge| edge.weight >= at)
        .copied()
        .collect();
    while !left.is_empty() {
        let mut sets = Sets::new(count);
        for edge in &left {
            sets.join(edge.a, edge.b);
        }
        let mut keyed: Vec<(u32, u32)> = all
            .iter()
            .map(|record| (sets.find(*record), *record))
            .collect();
        keyed.sort_unstable();
        let mut again = vec![false; count];
        all.clear();
        for set in keyed.chunk_by(|a, b| a.0 == b.0) {
            let members = set.iter().map(|(_, record)| *record);
            if set.len() > COMPONENT_MAX {
                for record in members {
                    again[record as usize] = true;
                    all.push(record);
                }
            } else if set.len() > 1 {
                done.push(members.collect());
            }
        }
        at += CUT_STEP_BITS;
        left.retain(|edge| again[edge.a as usize] && edge.weight >= at);
    }
    done.sort();
    done
}

/// Two groups on their way.
struct Linkage {
    count: usize,
    evidence: Vec<Evidence>,
    bits: Vec<f64>,
    /// The best later partner of each group that is left.
    best: Vec<(f64, usize)>,
    inside: Vec<Vec<usize>>,
    alive: Vec<usize>,
}

impl Linkage {
    fn new(members: &[u32], prior_bits: f64, witness: Witness<'_>) -> Self {
        let count = members.len();
        let mut linkage = Self {
            count,
            evidence: vec![Evidence::default(); count * count],
            bits: vec![f64::NEG_INFINITY; count * count],
            best: vec![(f64::NEG_INFINITY, 0); count],
            inside: (0..count).map(|place| vec![place]).collect(),
            alive: (0..count).collect(),
        };
        for i in 0..count {
            for j in i + 1..count {
                linkage.set(i, j, witness(members[i], members[j]), prior_bits);
            }
        }
        for i in 0..count {
            linkage.find_best(i);
        }
        linkage
    }

    fn set(&mut self, i: usize, j: usize, evidence: Evidence, prior_bits: f64) {
        let bits = evidence.posterior(prior_bits);
        for place in [i * self.count + j, j * self.count + i] {
            self.evidence[place] = evidence;
            self.bits[place] = bits;
        }
    }

    /// The first among equals, so that order is nothing.
    fn find_best(&mut self, i: usize) {
        let mut best = (f64::NEG_INFINITY, i);
        for j in self.alive.iter().filter(|j| **j > i) {
            let bits = self.bits[i * self.count + j];
            if bits > best.0 {
                best = (bits, *j);
            }
        }
        self.best[i] = best;
    }

    fn closest(&self) -> (f64, usize, usize) {
        let mut closest = (f64::NEG_INFINITY, 0, 0);
        for i in &self.alive {
            let (bits, j) = self.best[*i];
            if bits > closest.0 {
                closest = (bits, *i, j);
            }
        }
        closest
    }

    /// Joins the group `j` to the earlier group `i`.
    fn join(&mut self, i: usize, j: usize, prior_bits: f64) {
        self.alive.retain(|place| *place != j);
        let moved = std::mem::take(&mut self.inside[j]);
        self.inside[i].extend(moved);
        let others: Vec<usize> = self.alive.iter().copied().filter(|k| *k != i).collect();
        for k in &others {
            let both = self.evidence[i * self.count + k].with(&self.evidence[j * self.count + k]);
            self.set(i, *k, both, prior_bits);
        }
        for k in others {
            let (bits, partner) = self.best[k];
            let nearer = k < i && (partner == i || self.bits[k * self.count + i] > bits);
            if nearer || partner == j {
                self.find_best(k);
            }
        }
        self.find_best(i);
    }
}

/// Groups of the members (each by its first place), and all pairs with the
/// weight between the groups in which they met.
fn average_linkage(
    members: &[u32],
    cut: f64,
    prior_bits: f64,
    witness: Witness<'_>,
) -> (Vec<usize>, Vec<Edge>) {
    let count = members.len();
    let mut linkage = Linkage::new(members, prior_bits, witness);
    let mut person: Vec<usize> = (0..count).collect();
    let mut pairs = Vec::with_capacity(count * (count - 1) / 2);
    while linkage.alive.len() > 1 {
        let (weight, i, j) = linkage.closest();
        for a in &linkage.inside[i] {
            for b in &linkage.inside[j] {
                let (a, b) = (members[*a], members[*b]);
                pairs.push(Edge {
                    a: a.min(b),
                    b: a.max(b),
                    weight,
                });
            }
        }
        if weight >= cut {
            for b in &linkage.inside[j] {
                person[*b] = person[i];
            }
        }
        linkage.join(i, j, prior_bits);
    }
    (person, pairs)
}
