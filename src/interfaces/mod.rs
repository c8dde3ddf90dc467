//! The doors: what other programs and people speak to. A door parses, calls
//! one flow and renders; it knows no rule, no storage and no index.

pub mod fhir;
pub mod files;
pub mod hl7v2;
pub mod http;
pub mod json;
pub mod oidc;
pub mod rest;
mod tls;
pub mod web;
pub mod webhooks;
