//! Where a request came from, for the audit and nothing else: the address stands in
//! no log.

use std::net::IpAddr;

/// From where somebody came, and by which door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's network address: the other end of the connection, or what a proxy
    /// says that the operator trusts.
    pub address: Option<IpAddr>,
    /// Method and pattern of the path (`GET /fhir/R4/Patient/{id}`), or `HL7 v2`. It
    /// holds nothing that was sent.
    pub door: Option<String>,
}
