//! Metrics in Prometheus' text format. Labels are routes, outcomes and kinds:
//! never an account, a source, a person or a value of a record.
//! `docs/how-to/operate.md` says what each means and when to be woken by it.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::flows::{Context, standing, store_figures};
use crate::foundation::TallyFigures;
use crate::interfaces::http::exchange::Doorkeeper;
use crate::interfaces::http::process_figures::ProcessFigures;
use crate::interfaces::http::{Problem, Refused};

/// Bounds of latencies, in seconds: an answer takes milliseconds, a batch minutes.
const SECONDS: [f64; 13] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0, 60.0,
];
/// Bounds of how many persons a question was compared with.
const CANDIDATES: [f64; 8] = [0.0, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 400.0];

const COUNTERS: [(&str, &str); 23] = [
    (
        "accord_http_requests_total",
        "Requests by route, method and class of status",
    ),
    (
        "accord_requests_shed_total",
        "Requests refused because too many were in work",
    ),
    (
        "accord_requests_limited_total",
        "Requests refused because an account asked too often",
    ),
    (
        "accord_connections_refused_total",
        "Connections closed because too many were open",
    ),
    (
        "accord_accept_errors_total",
        "Connections that the kernel could not give",
    ),
    (
        "accord_slow_headers_total",
        "Connections cut because a header came too slowly",
    ),
    (
        "accord_registrations_total",
        "Registrations by what became of them",
    ),
    (
        "accord_match_total",
        "Questions by what a registration would have become",
    ),
    (
        "accord_incomplete_answers_total",
        "Answers that did not look at all that share a key",
    ),
    ("accord_store_commits_total", "Commits of the ledger"),
    ("accord_store_commands_total", "Commands in these commits"),
    (
        "accord_store_alone_total",
        "Commands tried again alone, because one beside them failed",
    ),
    (
        "accord_store_retries_total",
        "Transactions tried again because of another node or the line",
    ),
    (
        "accord_store_moved_total",
        "Transactions begun again because a person had moved",
    ),
    (
        "accord_index_commits_total",
        "Commits of the candidate index",
    ),
    (
        "accord_index_records_total",
        "Records that the index has taken in",
    ),
    (
        "accord_index_errors_total",
        "Looks at the ledger by the index that failed",
    ),
    (
        "accord_webhook_messages_total",
        "Messages to readers by what became of them",
    ),
    (
        "accord_webhook_events_total",
        "Events in messages that readers have taken",
    ),
    (
        "accord_rerun_records_total",
        "Records judged again after an activation",
    ),
    (
        "accord_rerun_tasks_total",
        "Questions raised by judging records again",
    ),
    (
        "accord_shadow_decisions_total",
        "Records that a model in the shadow has judged, by what differs",
    ),
    (
        "accord_shadow_dropped_total",
        "Versions that a model in the shadow has left out",
    ),
];

const GAUGES: [(&str, &str); 27] = [
    ("accord_requests_in_work", "Requests in work"),
    (
        "accord_shadow_behind_events",
        "Events that a model in the shadow has still to look at",
    ),
    (
        "accord_webhook_dead_letters",
        "Messages to readers that were given up",
    ),
    (
        "accord_webhook_lag_seconds",
        "Age of the oldest message that a reader was offered and has not taken",
    ),
    (
        "accord_requests_in_work_max",
        "Requests that may be in work",
    ),
    ("accord_batches_in_work", "Batches in work"),
    ("accord_connections_open", "Open connections"),
    ("accord_stopping", "1 while the process is stopping"),
    (
        "accord_ledger_answers",
        "1 when the ledger answered this scrape",
    ),
    ("accord_ledger_position", "Position of the last event"),
    ("accord_writer_queue", "Commands that wait for the writer"),
    (
        "accord_writer_queue_max",
        "Commands that may wait for the writer",
    ),
    (
        "accord_index_lag_records",
        "Changed records that the index does not know yet",
    ),
    (
        "accord_index_lag_seconds",
        "For how long the oldest of these has waited",
    ),
    ("accord_cpu_threads", "Threads that compute"),
    ("accord_cpu_busy", "Threads that compute now"),
    (
        "accord_cpu_queue",
        "Pieces of computing that wait for a thread",
    ),
    ("accord_open_tasks", "Open tasks by kind and age"),
    (
        "accord_source_duplicates",
        "Persons with more than one active record of a source",
    ),
    (
        "accord_oldest_task_seconds",
        "Age of the oldest open task of a kind",
    ),
    (
        "accord_audit_unsealed_rows",
        "Audit rows that no seal covers yet",
    ),
    (
        "accord_audit_unsealed_seconds",
        "Age of the oldest of these",
    ),
    ("accord_audit_last_seal_seconds", "Age of the last seal"),
    ("process_cpu_seconds_total", "Computing time of the process"),
    ("process_resident_memory_bytes", "Memory in use"),
    ("process_open_fds", "Open files and connections"),
    ("process_max_fds", "How many there may be"),
];

/// Starts counting, for the whole process; once.
///
/// # Errors
/// The bounds of a histogram are wrong, which a test would have shown.
pub(super) fn start() -> Result<PrometheusHandle, BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Full("accord_match_candidates".into()), &CANDIDATES)?
        .build_recorder();
    let handle = recorder.handle();
    // A second start in one process goes on with the first one's recorder.
    let _ = metrics::set_global_recorder(recorder);
    for (name, help) in COUNTERS {
        describe_counter!(name, help);
    }
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    describe_gauge!(
        "accord_build_info",
        "1, with the version and the model as labels"
    );
    describe_histogram!("accord_http_request_seconds", "Time to answer, by route");
    describe_histogram!(
        "accord_match_candidates",
        "Persons that a question was compared with"
    );
    Ok(handle)
}

/// Gives the figures in Prometheus' text format, where the service is started
/// with them.
#[utoipa::path(get, path = "/metrics", tag = "watching",
    responses(
        (status = 200, description = "The figures.", body = String, content_type = "text/plain"),
        (status = 404, description = "Metrics are off, or on an address of their own.",
            body = Problem, content_type = "application/problem+json")))]
pub(super) async fn show(State(keeper): State<Doorkeeper>) -> Response {
    let Some(handle) = &keeper.door.figures else {
        let detail = "metrics are off; start the service with --metrics on";
        return Problem::new(Refused::NotFound, detail, "").into_response();
    };
    read_gauges(&keeper).await;
    let mut text = handle.render();
    write_tallies(&mut text, &keeper.context);
    let media = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, media)], text).into_response()
}

/// What is read at a scrape and not counted as it happens.
async fn read_gauges(keeper: &Doorkeeper) {
    let (requests, batches) = keeper.door.in_work();
    gauge!("accord_requests_in_work").set(requests as f64);
    gauge!("accord_requests_in_work_max").set(keeper.door.limits.requests_in_work as f64);
    gauge!("accord_batches_in_work").set(batches as f64);
    gauge!("accord_stopping").set(f64::from(u8::from(keeper.door.is_stopping())));
    let store = store_figures(&keeper.context);
    gauge!("accord_writer_queue").set(store.waiting as f64);
    gauge!("accord_writer_queue_max").set(store.waiting_max as f64);
    counter!("accord_store_commits_total").absolute(store.commits);
    counter!("accord_store_commands_total").absolute(store.commands);
    counter!("accord_store_alone_total").absolute(store.alone);
    counter!("accord_store_retries_total").absolute(store.retries);
    counter!("accord_store_moved_total").absolute(store.moved);
    let pool = keeper.context.pool.figures();
    gauge!("accord_cpu_threads").set(pool.threads as f64);
    gauge!("accord_cpu_busy").set(pool.busy as f64);
    gauge!("accord_cpu_queue").set(pool.waiting as f64);
    let standing = standing(&keeper.context).await;
    gauge!("accord_ledger_answers").set(f64::from(u8::from(standing.is_ok())));
    if let Ok(standing) = standing {
        gauge!("accord_ledger_position").set(standing.position.0 as f64);
        gauge!("accord_index_lag_records").set(standing.index_lag as f64);
        gauge!("accord_index_lag_seconds").set(standing.index_lag_ms as f64 / 1e3);
    }
    // What decided before stays in the series, as 0.
    for (place, model) in keeper.context.deciding_models().iter().enumerate() {
        let active = f64::from(u8::from(place == 0));
        let model = model.to_string();
        gauge!("accord_build_info", "version" => env!("CARGO_PKG_VERSION"), "model" => model)
            .set(active);
    }
    read_process();
}

fn read_process() {
    let process = ProcessFigures::now();
    if let Some(bytes) = process.resident_bytes {
        gauge!("process_resident_memory_bytes").set(bytes);
    }
    if let Some(files) = process.open_files {
        gauge!("process_open_fds").set(files as f64);
    }
    if let Some(files) = process.open_files_max {
        gauge!("process_max_fds").set(files);
    }
    if let Some(seconds) = process.cpu_seconds {
        gauge!("process_cpu_seconds_total").set(seconds);
    }
}

/// Histograms that lower floors count by themselves.
fn write_tallies(text: &mut String, context: &Context) {
    let store = store_figures(context);
    let pool = context.pool.figures();
    let group = ("accord_commit_commands", "Commands in a commit", 1.0);
    write_tally(text, group, &store.group);
    let commit = ("accord_commit_seconds", "Time that a commit took", 1e6);
    write_tally(text, commit, &store.commit_micros);
    let wait = (
        "accord_cpu_wait_seconds",
        "Time that computing waited for a thread",
        1e6,
    );
    write_tally(text, wait, &pool.wait_micros);
}

/// Name, help and the number of the tally's units in one of the metric's.
fn write_tally(text: &mut String, (name, help, units): (&str, &str, f64), tally: &TallyFigures) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
    for (bound, count) in &tally.upto {
        let bound = *bound as f64 / units;
        let _ = writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {count}");
    }
    let (count, sum) = (tally.count, tally.sum as f64 / units);
    let _ = writeln!(
        text,
        "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n"
    );
}

#[cfg(test)]
mod tests {
    use super::write_tally;
    use crate::foundation::Tally;

    #[test]
    fn a_tally_is_a_histogram_of_the_text_format() {
        let tally = Tally::new([1_000, 2_000]);
        tally.record(1_500);
        tally.record(3_000);
        let mut text = String::new();
        write_tally(&mut text, ("x_seconds", "Of x", 1e6), &tally.figures());
        assert_eq!(
            text,
            "# HELP x_seconds Of x\n# TYPE x_seconds histogram\n\
             x_seconds_bucket{le=\"0.001\"} 0\nx_seconds_bucket{le=\"0.002\"} 1\n\
             x_seconds_bucket{le=\"+Inf\"} 2\nx_seconds_sum 0.0045\nx_seconds_count 2\n\n"
        );
    }
}
