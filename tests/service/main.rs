//! Behaviour through the real doors: every story starts the `accord` binary on
//! a data directory of its own and speaks to it as its users do, by command
//! line and HTTP. What a single floor does alone is tested beside its code.
//!
//! Each story ends with `accord verify` and with a search of the service's log
//! for every identifying value that the story sent (see `world`).

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a story waits in real time, reads its settings and says where it left its files"
)]

/// Who may do what, and what everybody else is told.
mod access;
/// How good whole files are linked; it may only rise.
mod accuracy;
/// Merges that wait for a second human, and what follows from decisions.
mod approving;
/// Malformed files.
mod bad_files;
/// Malformed messages, headers and paths.
mod bad_input;
/// A verified number has one owner or none.
mod claiming;
/// Commands, their exit codes and what they print.
mod commands;
/// Simultaneous submissions of one new person make one person.
mod concurrency;
/// The public suites and how they are counted.
mod conformance;
/// The public suites of FHIR.
mod conformance_fhir;
/// The search cases of the national service.
mod conformance_pdqm;
mod conformance_pds;
mod conformance_pmir;
/// The review desk: signing in, the queue, the comparison page, decisions.
mod desk;
mod desk_around;
mod desk_hostile;
mod desk_known_pairs;
mod desk_moments;
/// What the pages must never do: show, run or let in what they should not.
mod desk_safety;
mod desk_sources;
mod desk_work;
/// What a person disputes supports no link.
mod disputing;
/// Every door of the service.
mod doors;
/// An acknowledged record survives `kill -9`.
mod durability;
/// Engines for files that memory does not hold.
#[cfg(feature = "datafusion")]
mod engines;
/// An erased record is gone to the last token.
mod erasing;
/// How good links and persons are, against a truth.
mod evaluating;
/// The change feed.
mod events;
/// What `export` writes and what `generate` makes.
mod exporting;
/// FHIR: records and persons as Patients.
mod fhir;
/// FHIR: searching, matching, cross-references.
mod fhir_asking;
mod fhir_audit;
/// FHIR: bundles, feeds, merges.
mod fhir_bundles;
mod fhir_subscriptions;
mod fhir_transactions;
/// An empty ledger is filled from memory.
mod first_load;
/// What a person's records say together, and why.
mod golden;
/// Pairs that are easy to get wrong.
mod hard_pairs;
/// Histories at random, and what should be.
mod histories;
/// What happened to a person, in words.
mod history;
/// What an integration engine says in HL7 v2.
mod hl7;
/// The public suite of HL7 v2.
mod hl7_conformance;
/// Other people's certificates, and damaged messages.
mod hl7_hardened;
mod http_listeners;
/// Numbers replaced, births, deaths, corrections.
mod identity_events;
/// Files go in by the path of a message, whatever happens on the way.
mod importing;
/// The decision rules, with the examples that RULES gives.
mod linking;
/// Too much, too slow, told to stop: refused in order, and visible.
mod load;
/// Nothing identifying in any log, metric or error.
mod logs;
/// The location of a restricted person is nowhere.
mod masking;
/// Asking who somebody is, without writing.
mod matching;
/// Joining and parting by a human's word.
mod merging;
/// An engine that speaks HL7 v2.
mod mllp;
/// What a model asks people: after an activation, whatever is killed, and to learn.
mod model_questions;
/// Which model decides, who says so, and what was decided before.
mod models;
/// The ledger as it was known at an instant.
mod moments;
/// Whole ledgers move, with a proof.
mod moving;
/// Who objects is seen by nobody and in the way of duplicates.
mod objecting;
mod oidc;
/// The OpenAPI document says what is served.
mod openapi;
/// Records that share what everybody shares.
mod pathology;
/// Made-up people for the stories.
mod people;
/// Persons, their records, cross-references, withdrawal, tasks.
mod persons;
/// A PostgreSQL cluster for the tests.
#[path = "../support/postgres.rs"]
mod postgres;
/// What the README promises, counted.
mod proofs;
/// A source whose data go wrong.
mod quarantine;
/// Readers that are told of events and say what they have taken over.
mod readers;
/// A reader's end of a webhook.
mod receiver;
/// What a source may send, and what it is answered.
mod registering;
/// Requests and answers.
mod request;
/// Questions and the people who answer them.
mod reviewing;
/// What joins and parts people keeps seals.
mod sealed_merges;
/// A sealed pair never appears together.
mod sealing;
/// People's search.
mod searching;
/// The process behind a world.
mod server;
/// The stories of the documentation are true.
mod story;
/// What an update may change and what it may not.
mod updating;
/// `accord verify` on a sound ledger.
mod verifying;
/// Somebody at a browser, for the stories of the pages.
mod visitor;
/// What engineers see of models.
mod workbench;
/// A service on a data directory of its own.
mod world;
