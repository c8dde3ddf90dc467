//! How good is it: data whose truth is known, and what is measured on it.

pub mod generator;
