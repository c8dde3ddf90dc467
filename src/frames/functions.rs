//! Functions of plans. Their first argument is the work folder of a run, where its model is;
//! an executor must have them compiled in, as a plan carries their names alone.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, Float64Array, ListArray, StructArray, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::cast::{
    as_binary_array, as_list_array, as_struct_array, as_uint32_array, as_uint64_array,
};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::bulk::{BulkRecords, Edge, Piecework};
use crate::frames::run_file::run_in;
use crate::identity::StandardRecord;

/// Records of blocks that are weighed together: enough that what they share is read once,
/// few enough for memory.
const MEMBERS_AT_ONCE: usize = 100_000;

/// All of them.
pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::from(MeetingPlaces(Signature::any(2, Volatility::Immutable))),
        ScalarUDF::from(WeighedPairs(Signature::any(3, Volatility::Immutable))),
    ]
}

/// `meeting_places(run, standard)`: where a record may meet others.
#[derive(Debug, PartialEq, Eq, Hash)]
struct MeetingPlaces(Signature);

/// `weighed_pairs(run, place, members)`: pairs of a block that reach the weight that matters.
/// Blocks are weighed together; their pairs stand beside the first of them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WeighedPairs(Signature);

fn items(kind: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(kind, true))
}

fn pair_fields() -> Fields {
    Fields::from(vec![
        Field::new("a", DataType::UInt32, false),
        Field::new("b", DataType::UInt32, false),
        Field::new("weight", DataType::Float64, false),
    ])
}

/// The run that the first argument names.
fn run_of(arguments: &ScalarFunctionArgs) -> Result<Arc<Piecework>> {
    match &arguments.args[0] {
        ColumnarValue::Scalar(ScalarValue::Utf8(Some(folder))) => {
            run_in(folder).map_err(|problem| exec_datafusion_err!("{problem}"))
        }
        _ => Err(exec_datafusion_err!("the run is named by a text")),
    }
}

fn decoded(bytes: &[u8]) -> Result<StandardRecord> {
    postcard::from_bytes(bytes).map_err(|error| exec_datafusion_err!("no record: {error}"))
}

/// Records of a piece from what a table holds of them.
pub(super) fn piece_of<'b>(records: impl Iterator<Item = (u32, &'b [u8])>) -> Result<BulkRecords> {
    let records: Result<Vec<_>> = records
        .map(|(source, bytes)| Ok((source, decoded(bytes)?)))
        .collect();
    Ok(BulkRecords::of_piece(records?))
}

impl ScalarUDFImpl for MeetingPlaces {
    fn name(&self) -> &'static str {
        "meeting_places"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(items(DataType::UInt64)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let run = run_of(&arguments)?;
        let said = arguments.args[1].to_array(arguments.number_rows)?;
        let said = as_binary_array(&said)?;
        // Sources say nothing of where records meet.
        let piece = piece_of((0..said.len()).map(|row| (0, said.value(row))))?;
        let places = run.places(&piece);
        let lengths = OffsetBuffer::from_lengths(places.iter().map(Vec::len));
        let all = UInt64Array::from_iter_values(places.into_iter().flatten());
        let lists = ListArray::try_new(items(DataType::UInt64), lengths, Arc::new(all), None)?;
        Ok(ColumnarValue::Array(Arc::new(lists)))
    }
}

impl ScalarUDFImpl for WeighedPairs {
    fn name(&self) -> &'static str {
        "weighed_pairs"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(items(DataType::Struct(pair_fields()))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let run = run_of(&arguments)?;
        let places = arguments.args[1].to_array(arguments.number_rows)?;
        let places = as_uint64_array(&places)?;
        let lists = arguments.args[2].to_array(arguments.number_rows)?;
        let lists = as_list_array(&lists)?;
        let members = Members::of(lists)?;
        let (mut pairs, mut standing) = (Vec::new(), Vec::new());
        for row in 0..lists.len() {
            let ends = &lists.value_offsets()[row..];
            let range = usize_of(ends[0])..usize_of(ends[1]);
            standing.extend(range.map(|member| (places.value(row), member)));
            if standing.len() >= MEMBERS_AT_ONCE {
                pairs.extend(members.weigh(&run, &standing)?);
                standing.clear();
            }
        }
        pairs.extend(members.weigh(&run, &standing)?);
        Ok(ColumnarValue::Array(lists_of(&pairs, lists.len())?))
    }
}

fn usize_of(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

/// All pairs in the first of so many lists.
fn lists_of(pairs: &[Edge], rows: usize) -> Result<ArrayRef> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|it| it.a))),
        Arc::new(UInt32Array::from_iter_values(pairs.iter().map(|it| it.b))),
        Arc::new(Float64Array::from_iter_values(
            pairs.iter().map(|it| it.weight),
        )),
    ];
    let all = StructArray::try_new(pair_fields(), columns, None)?;
    let lengths = (0..rows).map(|row| if row == 0 { pairs.len() } else { 0 });
    let lengths = OffsetBuffer::from_lengths(lengths);
    let kind = items(DataType::Struct(pair_fields()));
    Ok(Arc::new(ListArray::try_new(
        kind,
        lengths,
        Arc::new(all),
        None,
    )?))
}

/// The records of blocks, a row for each that stands in one.
struct Members<'m> {
    record: &'m UInt32Array,
    source: &'m UInt32Array,
    standard: &'m BinaryArray,
}

impl<'m> Members<'m> {
    fn of(lists: &'m ListArray) -> Result<Self> {
        let all = as_struct_array(lists.values())?;
        Ok(Self {
            record: as_uint32_array(all.column(0))?,
            source: as_uint32_array(all.column(1))?,
            standard: as_binary_array(all.column(2))?,
        })
    }

    /// The pairs of those that stand at these places.
    fn weigh(&self, run: &Piecework, standing: &[(u64, usize)]) -> Result<Vec<Edge>> {
        let mut sorted: Vec<(u32, u64, usize)> = standing
            .iter()
            .map(|(place, member)| (self.record.value(*member), *place, *member))
            .collect();
        sorted.sort_unstable();
        // A record's number in the piece is its place among the distinct ones, so that their
        // order is that of the run.
        let (mut distinct, mut met) = (Vec::new(), Vec::with_capacity(sorted.len()));
        for record in sorted.chunk_by(|a, b| a.0 == b.0) {
            let number = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
            distinct.push(record[0].2);
            met.extend(record.iter().map(|(_, place, _)| (*place, number)));
        }
        let said = distinct.iter();
        let said = said.map(|it| (self.source.value(*it), self.standard.value(*it)));
        let mut pairs = run.weigh(&piece_of(said)?, &met);
        let number = |record: u32| self.record.value(distinct[record as usize]);
        for pair in &mut pairs {
            (pair.a, pair.b) = (number(pair.a), number(pair.b));
        }
        Ok(pairs)
    }
}
