//! One committed state of the index, as searchers see it: its segments and the
//! position that belongs to them. It never changes; a commit puts another one
//! in its place. Terms are looked up in the segments directly, without query
//! or collector, because a retrieval asks for a dozen terms and needs no score.

use std::io;
use std::sync::Arc;

use tantivy::fastfield::Column;
use tantivy::postings::{SegmentPostings, TermInfo};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED};

use crate::foundation::{EventPosition, RecordNumber};
use crate::index::retrieve::Holdings;
use crate::index::schema::{Fields, RECORD};
use crate::index::{ContentHash, IndexError};
use crate::matching::{BlockingKey, Facet};

/// Segments and position that belong together.
pub(super) struct Snapshot {
    pub(super) position: EventPosition,
    fields: Fields,
    segments: Vec<Segment>,
}

struct Segment {
    reader: SegmentReader,
    terms: Arc<InvertedIndexReader>,
    search: Arc<InvertedIndexReader>,
    records: Column<i64>,
}

/// Where a document is, inside one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    segment: usize,
    document: DocId,
}

/// What stands under a key.
pub(super) enum Holding {
    /// Its postings in each segment that has any, and how many live records
    /// they hold.
    Whole {
        postings: Vec<(usize, TermInfo)>,
        held: u64,
    },
    /// Those of its live documents that have some facets, sorted.
    Part(Vec<Place>),
}

impl Holdings for Snapshot {
    type Holding = Holding;
    type Place = Place;

    fn position(&self) -> EventPosition {
        self.position
    }

    fn held(holding: &Holding) -> u64 {
        match holding {
            Holding::Whole { held, .. } => *held,
            Holding::Part(places) => places.len() as u64,
        }
    }

    /// Looks a key up. Where a segment has removed records they are left out by
    /// reading the list; else the dictionary knows the number.
    fn holding(&self, key: &BlockingKey) -> Result<Holding, IndexError> {
        let term = self.fields.key_term(key);
        let (mut postings, mut all) = (Vec::new(), 0);
        for (number, segment) in self.segments.iter().enumerate() {
            let found = segment
                .terms
                .get_term_info(&term)
                .map_err(IndexError::unusable)?;
            let Some(found) = found else { continue };
            let held = segment.count_live(&found).map_err(IndexError::unusable)?;
            if held > 0 {
                all += u64::from(held);
                postings.push((number, found));
            }
        }
        Ok(Holding::Whole {
            postings,
            held: all,
        })
    }

    /// Walks both lists of a segment together, skipping in either.
    fn narrowed(&self, holding: &Holding, facet: Facet) -> Result<Holding, IndexError> {
        let term = self.fields.facet_term(facet);
        let mut part = Vec::new();
        match holding {
            Holding::Whole { postings, .. } => {
                for (number, found) in postings {
                    self.segments[*number]
                        .shared_documents(found, &term, |document| {
                            part.push(Place {
                                segment: *number,
                                document,
                            });
                        })
                        .map_err(IndexError::unusable)?;
                }
            }
            Holding::Part(places) => {
                for places in places.chunk_by(|one, other| one.segment == other.segment) {
                    let Some(first) = places.first() else {
                        continue;
                    };
                    let postings = self.segments[first.segment].postings_of(&term);
                    let Some(mut postings) = postings.map_err(IndexError::unusable)? else {
                        continue;
                    };
                    let has = |place: &&Place| holds(&mut postings, place.document);
                    part.extend(places.iter().filter(has));
                }
            }
        }
        Ok(Holding::Part(part))
    }

    /// The first `bound` live records of a holding by record number, sorted,
    /// each with its place. Reads the whole list: the order of documents inside
    /// segments depends on how they were written, and an answer must not.
    fn first_records(
        &self,
        holding: &Holding,
        bound: usize,
    ) -> Result<Vec<(RecordNumber, Place)>, IndexError> {
        let mut records = Vec::new();
        let postings = match holding {
            Holding::Whole { postings, .. } => postings.as_slice(),
            Holding::Part(places) => {
                for place in places {
                    let record = self.segments[place.segment]
                        .record(place.document)
                        .map_err(IndexError::unusable)?;
                    records.push((record, *place));
                }
                &[]
            }
        };
        for (number, found) in postings {
            let segment = &self.segments[*number];
            segment
                .for_each_live(found, |record, document| {
                    records.push((
                        record,
                        Place {
                            segment: *number,
                            document,
                        },
                    ));
                })
                .map_err(IndexError::unusable)?;
        }
        if records.len() > bound {
            records.select_nth_unstable(bound);
            records.truncate(bound);
        }
        records.sort_unstable();
        Ok(records)
    }

    /// How many of the given places a holding has. Costs a skip for each place,
    /// however long the list is. `places` is sorted and its documents are live.
    fn count_among(&self, holding: &Holding, places: &[Place]) -> Result<u64, IndexError> {
        let postings = match holding {
            Holding::Whole { postings, .. } => postings,
            Holding::Part(part) => {
                let among = |place: &&Place| places.binary_search(place).is_ok();
                return Ok(part.iter().filter(among).count() as u64);
            }
        };
        let mut count = 0;
        for (number, found) in postings {
            let start = places.partition_point(|place| place.segment < *number);
            let end = places.partition_point(|place| place.segment <= *number);
            let mut postings = self.segments[*number]
                .postings(found)
                .map_err(IndexError::unusable)?;
            for place in &places[start..end] {
                count += u64::from(holds(&mut postings, place.document));
            }
        }
        Ok(count)
    }
}

impl Snapshot {
    /// Reads what every retrieval needs of each segment.
    pub(super) fn new(
        searcher: &Searcher,
        fields: Fields,
        position: EventPosition,
    ) -> Result<Self, IndexError> {
        let segments = searcher
            .segment_readers()
            .iter()
            .map(|reader| Segment::new(reader, fields))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            position,
            fields,
            segments,
        })
    }

    /// Live records.
    pub(super) fn document_count(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.reader.num_docs()))
            .sum()
    }

    /// The highest record number that was ever written to these segments.
    pub(super) fn highest_record(&self) -> Option<RecordNumber> {
        self.segments
            .iter()
            .map(|segment| RecordNumber(segment.records.max_value()))
            .max()
    }

    /// The live documents of each segment that hold a search term of each group;
    /// walks the rarest group and skips in the others.
    pub(super) fn holding_all(&self, groups: &[Vec<u64>]) -> Result<Vec<Place>, IndexError> {
        let mut places = Vec::new();
        for (number, segment) in self.segments.iter().enumerate() {
            let documents = segment
                .holding_all(self.fields, groups)
                .map_err(IndexError::unusable)?;
            places.extend(documents.into_iter().map(|document| Place {
                segment: number,
                document,
            }));
        }
        Ok(places)
    }

    /// Those of the places, sorted, that hold a search term of the group.
    pub(super) fn keep_holding(
        &self,
        places: Vec<Place>,
        group: &[u64],
    ) -> Result<Vec<Place>, IndexError> {
        let mut kept = Vec::with_capacity(places.len());
        for (number, segment) in self.segments.iter().enumerate() {
            let start = places.partition_point(|place| place.segment < number);
            let end = places.partition_point(|place| place.segment <= number);
            let mut postings = segment
                .group(self.fields, group)
                .map_err(IndexError::unusable)?;
            let own = places[start..end].iter();
            kept.extend(own.filter(|place| any_holds(&mut postings, place.document)));
        }
        Ok(kept)
    }

    /// The records at these places, sorted.
    pub(super) fn records_at(&self, places: &[Place]) -> Vec<RecordNumber> {
        let mut records: Vec<RecordNumber> = places
            .iter()
            .filter_map(|place| {
                self.segments[place.segment]
                    .records
                    .first(place.document)
                    .map(RecordNumber)
            })
            .collect();
        records.sort_unstable();
        records
    }

    /// The hash over every live (record, key) pair. Reads everything.
    pub(super) fn content_hash(&self) -> Result<ContentHash, IndexError> {
        let mut hash = ContentHash::default();
        for segment in &self.segments {
            segment
                .include_in(&mut hash)
                .map_err(IndexError::unusable)?;
        }
        Ok(hash)
    }

    /// Removed records whose terms are still in the files.
    #[cfg(test)]
    pub(super) fn removed_count(&self) -> u64 {
        self.segments
            .iter()
            .map(|segment| u64::from(segment.reader.num_deleted_docs()))
            .sum()
    }

    /// Whether any segment's dictionary has the key, for live records or not.
    #[cfg(test)]
    pub(super) fn has_term(&self, key: &BlockingKey) -> bool {
        let term = self.fields.key_term(key);
        self.segments
            .iter()
            .any(|segment| segment.terms.get_term_info(&term).unwrap().is_some())
    }
}

impl Segment {
    fn new(reader: &SegmentReader, fields: Fields) -> Result<Self, IndexError> {
        let terms = reader
            .inverted_index(fields.key)
            .map_err(IndexError::unusable)?;
        let search = reader
            .inverted_index(fields.search)
            .map_err(IndexError::unusable)?;
        let records = reader
            .fast_fields()
            .i64(RECORD)
            .map_err(IndexError::unusable)?;
        if records.num_docs() != reader.max_doc() {
            return Err(IndexError::unusable(
                "a segment has documents without a record number",
            ));
        }
        Ok(Self {
            reader: reader.clone(),
            terms,
            search,
            records,
        })
    }

    fn postings(&self, found: &TermInfo) -> io::Result<SegmentPostings> {
        self.terms
            .read_postings_from_terminfo(found, IndexRecordOption::Basic)
    }

    fn count_live(&self, found: &TermInfo) -> io::Result<u32> {
        match self.reader.alive_bitset() {
            None => Ok(found.doc_freq),
            Some(alive) => Ok(self.postings(found)?.doc_freq_given_deletes(alive)),
        }
    }

    fn for_each_live(
        &self,
        found: &TermInfo,
        mut visit: impl FnMut(RecordNumber, DocId),
    ) -> io::Result<()> {
        let mut postings = self.postings(found)?;
        let mut document = postings.doc();
        while document != TERMINATED {
            if !self.reader.is_deleted(document) {
                visit(self.record(document)?, document);
            }
            document = postings.advance();
        }
        Ok(())
    }

    fn record(&self, document: DocId) -> io::Result<RecordNumber> {
        let record = self.records.first(document).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a document has no record number",
            )
        })?;
        Ok(RecordNumber(record))
    }

    /// Postings of a term of keys or facets, where the segment has it.
    fn postings_of(&self, term: &Term) -> io::Result<Option<SegmentPostings>> {
        let found = self.terms.get_term_info(term)?;
        found.map(|found| self.postings(&found)).transpose()
    }

    /// Visits the live documents that stand in a list and under a term, in order.
    fn shared_documents(
        &self,
        found: &TermInfo,
        term: &Term,
        mut visit: impl FnMut(DocId),
    ) -> io::Result<()> {
        let Some(mut others) = self.postings_of(term)? else {
            return Ok(());
        };
        let mut postings = self.postings(found)?;
        let mut document = postings.doc();
        while document != TERMINATED {
            if holds(&mut others, document) {
                if !self.reader.is_deleted(document) {
                    visit(document);
                }
                document = postings.advance();
            } else if others.doc() == TERMINATED {
                break;
            } else {
                document = postings.seek(others.doc());
            }
        }
        Ok(())
    }

    /// Postings of the terms of a group that this segment has.
    fn group(&self, fields: Fields, group: &[u64]) -> io::Result<Vec<SegmentPostings>> {
        let mut postings = Vec::new();
        for hash in group {
            if let Some(found) = self.search.get_term_info(&fields.search_term(*hash))? {
                postings.push(
                    self.search
                        .read_postings_from_terminfo(&found, IndexRecordOption::Basic)?,
                );
            }
        }
        Ok(postings)
    }

    /// Live documents, sorted, that hold a term of each group.
    fn holding_all(&self, fields: Fields, groups: &[Vec<u64>]) -> io::Result<Vec<DocId>> {
        let mut opened = Vec::with_capacity(groups.len());
        for group in groups {
            opened.push(self.group(fields, group)?);
        }
        let length = |postings: &Vec<SegmentPostings>| -> u64 {
            postings
                .iter()
                .map(|postings| u64::from(postings.size_hint()))
                .sum()
        };
        opened.sort_by_key(length);
        let mut opened = opened.into_iter();
        let mut documents = Vec::new();
        for mut postings in opened.next().unwrap_or_default() {
            while postings.doc() != TERMINATED {
                documents.push(postings.doc());
                postings.advance();
            }
        }
        documents.sort_unstable();
        documents.dedup();
        documents.retain(|document| !self.reader.is_deleted(*document));
        for mut postings in opened {
            documents.retain(|document| any_holds(&mut postings, *document));
        }
        Ok(documents)
    }

    fn include_in(&self, hash: &mut ContentHash) -> io::Result<()> {
        let mut terms = self.terms.terms().stream()?;
        while let Some((bytes, found)) = terms.next() {
            let term = bytes.try_into().map(u64::from_be_bytes).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "a term is not a number")
            })?;
            self.for_each_live(found, |record, _| hash.include_term(record, term))?;
        }
        Ok(())
    }
}

/// Whether any of the lists holds the document; to be asked in rising order.
fn any_holds(postings: &mut [SegmentPostings], document: DocId) -> bool {
    postings
        .iter_mut()
        .any(|postings| holds(postings, document))
}

/// Whether the list holds the document; to be asked in rising order.
fn holds(postings: &mut SegmentPostings, document: DocId) -> bool {
    if postings.doc() < document {
        postings.seek(document);
    }
    postings.doc() == document
}
