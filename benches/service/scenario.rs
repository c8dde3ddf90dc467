//! What is asked of the service.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::processes::Meter;

/// Birth date that the crowd shares.
const POPULAR: &str = "1958-03-14";
const CROWD: usize = 1_000;

/// Rows of the region, to ask about and to send again under other ids.
pub(crate) struct Load {
    rows: Vec<BTreeMap<String, String>>,
}

impl Load {
    pub(crate) fn read(file: &Path) -> Self {
        let mut reader = csv::Reader::from_path(file).expect("records");
        let rows = reader.deserialize().step_by(7).take(20_000);
        Self {
            rows: rows.map(|row| row.expect("a row")).collect(),
        }
    }

    /// A source for what is sent, and a thousand people born on one day.
    pub(crate) fn prepare(&self, client: &mut Client) {
        let crowd = self.rows.iter().cycle().take(CROWD).enumerate();
        let lines = crowd.map(|(number, row)| {
            let mut record = body(row);
            record["local_id"] = json!(format!("crowd-{number}"));
            record["birth_date"] = json!(POPULAR);
            record["gender"] = json!("female");
            record
                .as_object_mut()
                .expect("an object")
                .remove("nhs_number");
            record.to_string()
        });
        let source = self.rows[0]["source"].clone();
        let lines: Vec<String> = lines.collect();
        for part in lines.chunks(250) {
            let path = format!("/api/v1/sources/{source}/records/batch");
            let (status, _) = client.send("POST", &path, &part.join("\n"), "application/x-ndjson");
            assert_eq!(status, 200);
        }
        // The index takes them in.
        std::thread::sleep(Duration::from_secs(3));
    }

    fn row(&self, number: usize) -> &BTreeMap<String, String> {
        &self.rows[number.wrapping_mul(7_919) % self.rows.len()]
    }
}

fn body(row: &BTreeMap<String, String>) -> Value {
    let text = |name: &str| row.get(name).filter(|text| !text.is_empty()).cloned();
    let mut body = json!({});
    let mut put = |member: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[member] = value;
        }
    };
    put("nhs_number", text("nhs_number").map(Value::from));
    put("given_names", text("given_name").map(|name| json!([name])));
    put("family_name", text("family_name").map(Value::from));
    put("birth_date", text("date_of_birth").map(Value::from));
    put("gender", text("gender").map(Value::from));
    put("phones", text("phone").map(|phone| json!([phone])));
    let address = json!({ "lines": [text("address_line").unwrap_or_default()],
        "postcode": text("postcode").unwrap_or_default() });
    put("addresses", Some(json!([address])));
    body
}

/// One kind of request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scenario {
    Null,
    Match,
    Register,
    PopularBirthDate,
}

impl Scenario {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null (GET /healthz)",
            Self::Match => "POST /match",
            Self::Register => "PUT a new record",
            Self::PopularBirthDate => "POST /match by a birth date and sex that 1,000 share",
        }
    }

    fn request(self, load: &Load, number: usize) -> (&'static str, String, String) {
        match self {
            Self::Null => ("GET", "/healthz".to_owned(), String::new()),
            Self::Match => {
                let mut body = body(load.row(number));
                if number.is_multiple_of(2) {
                    body.as_object_mut()
                        .expect("an object")
                        .remove("nhs_number");
                }
                ("POST", "/api/v1/match".to_owned(), body.to_string())
            }
            Self::Register => {
                let row = load.row(number);
                let path = format!("/api/v1/sources/{}/records/bench-{number}", row["source"]);
                ("PUT", path, body(row).to_string())
            }
            Self::PopularBirthDate => {
                let body = json!({ "birth_date": POPULAR, "gender": "female",
                    "given_names": ["Quenby"], "family_name": "Zelazny" });
                ("POST", "/api/v1/match".to_owned(), body.to_string())
            }
        }
    }

    /// Sends the requests from so many connections; gives the figures in words.
    pub(crate) fn run(
        self,
        load: &Load,
        connect: &(impl Fn() -> Client + Sync),
        clients: usize,
        requests: usize,
        meter: &Meter<'_>,
    ) -> String {
        let before = meter.read();
        let started = Instant::now();
        let share = requests / clients;
        let mut times: Vec<Duration> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..clients)
                .map(|worker| {
                    scope.spawn(move || {
                        let mut client = connect();
                        let first = worker * share + clients * 1_000_000;
                        let send = |number: usize| self.send(load, &mut client, number);
                        (first..first + share).map(send).collect::<Vec<_>>()
                    })
                })
                .collect();
            let done = workers.into_iter().map(|it| it.join().expect("a worker"));
            done.flatten().collect()
        });
        let wall = started.elapsed().as_secs_f64();
        let after = meter.read();
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
        let each = |seconds: f64| seconds * 1e3 / times.len() as f64;
        format!(
            "{:.3} ms CPU a request ({:.3} the service, {:.3} the server); wall p50 {:.2} ms, \
             p99 {:.2} ms; {:.0} requests/s; {} requests",
            each(after.0 - before.0 + after.1 - before.1),
            each(after.0 - before.0),
            each(after.1 - before.1),
            at(50),
            at(99),
            times.len() as f64 / wall,
            times.len()
        )
    }

    fn send(self, load: &Load, client: &mut Client, number: usize) -> Duration {
        let (method, path, body) = self.request(load, number);
        let started = Instant::now();
        let (status, answer) = client.send(method, &path, &body, "application/json");
        let took = started.elapsed();
        assert!((200..300).contains(&status), "{status}: {answer}");
        took
    }
}
