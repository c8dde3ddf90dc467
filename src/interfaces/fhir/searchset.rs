//! Bundles that answer a question.

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::headers::base_of;
use crate::interfaces::fhir::outcome::{notice, outcome};

/// A Bundle of type searchset on its way.
pub(super) struct Searchset {
    base: String,
    entries: Vec<Value>,
    /// How many were found, where others stand beside them.
    total: Option<usize>,
    /// Where the next page is; how many there are is not known then.
    next: Option<String>,
    remarks: Vec<Value>,
}

impl Searchset {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        Self {
            base: base_of(headers),
            entries: Vec::new(),
            total: None,
            next: None,
            remarks: Vec::new(),
        }
    }

    /// Adds a resource with what is said of its finding.
    pub(super) fn add(&mut self, resource: Value, search: &Value) {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        let id = resource["id"].as_str().unwrap_or_default();
        let mut said = search.clone();
        said["mode"] = json!("match");
        self.entries.push(json!({
            "fullUrl": format!("{}/{kind}/{id}", self.base),
            "resource": resource,
            "search": said,
        }));
    }

    /// Adds the related persons that stand in the Patients found, for who wants them
    /// beside these.
    pub(super) fn include_related(&mut self) {
        let mut included = Vec::new();
        for entry in &self.entries {
            let contained = entry["resource"]["contained"].as_array();
            for held in contained.into_iter().flatten() {
                if held["resourceType"] == "RelatedPerson" {
                    let mut related = held.clone();
                    let id = entry["resource"]["id"].as_str().unwrap_or_default();
                    related["patient"] = json!({"reference": format!("Patient/{id}")});
                    included.push(json!({"resource": related, "search": {"mode": "include"}}));
                }
            }
        }
        self.total = Some(self.entries.len());
        self.entries.extend(included);
    }

    /// Adds why not all that may be meant was looked at (R122).
    pub(super) fn incomplete(&mut self, because: &str) {
        self.remarks.push(notice("warning", "incomplete", because));
    }

    /// More are on a page of this path.
    pub(super) fn next(&mut self, path: &str) {
        self.next = Some(format!("{}{path}", self.base));
    }

    /// The answer. What was asked for is not repeated: it may be a patient's.
    pub(super) fn answer(self, path: &str) -> Response {
        let mut bundle = json!({
            "resourceType": "Bundle", "type": "searchset", "total": self.total.unwrap_or(self.entries.len()),
            "link": [{"relation": "self", "url": format!("{}{path}", self.base)}],
        });
        if let Some(next) = self.next
            && let Some(members) = bundle.as_object_mut()
        {
            members.remove("total");
            if let Some(links) = members["link"].as_array_mut() {
                links.push(json!({"relation": "next", "url": next}));
            }
        }
        let mut entries = self.entries;
        if !self.remarks.is_empty() {
            let remarks = outcome(self.remarks);
            entries.push(json!({"resource": remarks, "search": {"mode": "outcome"}}));
        }
        if !entries.is_empty() {
            bundle["entry"] = json!(entries);
        }
        answer(StatusCode::OK, &bundle)
    }
}
