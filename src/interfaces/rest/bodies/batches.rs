//! What is answered to a line of a batch.

use serde::Serialize;
use utoipa::ToSchema;

use crate::interfaces::http::Problem;
use crate::interfaces::rest::bodies::RegistrationBody;

/// A line that went in.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// Line of the request, counted from 1.
    #[schema(minimum = 1)]
    pub line: usize,
    /// 201 for a new record, 200 else.
    #[schema(minimum = 200, maximum = 201)]
    pub status: u16,
    /// The answer to a registration.
    #[serde(flatten)]
    pub body: RegistrationBody,
}

/// A line that did not.
#[derive(Serialize, ToSchema)]
pub struct BatchProblem {
    /// Line of the request, counted from 1.
    #[schema(minimum = 1)]
    pub line: usize,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: Problem,
}

/// One line of the answer to a batch.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchLine {
    /// It went in.
    Answer(Box<BatchAnswer>),
    /// It did not.
    Problem(BatchProblem),
}

impl BatchLine {
    /// Line of the request, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        match self {
            Self::Answer(answer) => answer.line,
            Self::Problem(problem) => problem.line,
        }
    }
}
